"""The page's style sheet, for light and for dark."""

STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --dim: #667085; --page: #fff; --line: #d9dee7;
  --mark: #2f6fb5; --warn: #9a4a00; --warn-page: #fff4e5; --good: #22703d; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ef; --dim: #98a2b3; --page: #14181f; --line: #333b48;
    --mark: #7db3ee; --warn: #f5b26b; --warn-page: #33260f; --good: #7ccf97; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 0; } .axes { color: var(--dim); font-weight: normal; }
.facts { display: flex; flex-wrap: wrap; gap: .25rem 1.75rem; margin: 0; }
.facts dt { color: var(--dim); font-size: .8rem; } .facts dd { margin: 0; }
.stale, .troubles { background: var(--warn-page); color: var(--warn);
  padding: .6rem 1rem; border-radius: 6px; }
.troubles { padding-left: 2rem; } .sound { color: var(--good); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
code, .beside, .said { font-family: ui-monospace, Menlo, Consolas, monospace; }
code { white-space: pre; } .source td { padding: 0 .75rem 0 0; vertical-align: top; }
.number { color: var(--dim); text-align: right; user-select: none; }
.beside { color: var(--mark); white-space: pre; padding-left: 1.5rem; }
.keyword { color: var(--mark); font-weight: 600; } .comment { color: var(--dim); }
.figures th, .figures td { padding: .15rem .75rem; border-bottom: 1px solid var(--line); text-align: right; }
.figures tr > th:first-child { text-align: left; font-weight: normal;
  font-family: ui-monospace, Menlo, Consolas, monospace; }
.figures td { font-variant-numeric: tabular-nums; }
section { display: inline-block; vertical-align: top; width: 22rem; max-width: 100%;
  padding: .75rem 1.5rem .75rem 0; }
.said { margin: .1rem 0 .4rem; font-size: .85rem; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--dim); font-size: 11px; }
.histogram rect { fill: var(--mark); } .intervals line { stroke: var(--mark); stroke-width: 1.5; }
.intervals circle { fill: var(--mark); } .intervals line.zero { stroke: var(--line); stroke-dasharray: 3 3; }
"""
