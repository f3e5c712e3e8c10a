"""Sound programs of all sizes for the tests of plate diagrams: nested, crossed, mapped and marginalised."""

from __future__ import annotations

from hypothesis import strategies as st

OBJECTS = ("Aa", "Bee", "See", "Dee")


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A program over up to four objects, with maps between them and sites over any of their products."""
    objects = OBJECTS[: draw(st.integers(1, 4))]
    lines = [f"object {name} : FinSet {draw(st.integers(2, 9))}" for name in objects]
    maps = [
        (source, target)
        for place, source in enumerate(objects)
        for target in objects[:place]
        if draw(st.integers(0, 2)) == 0
    ]
    lines += [f"data to_{target}_of_{source} : {source} -> {target}" for source, target in maps]
    lines.append(f"program p : {objects[0]} -> {objects[0]}")
    axes: dict[str, tuple[str, ...]] = {}
    for number in range(draw(st.integers(1, 9))):
        plate = tuple(name for name in objects if draw(st.booleans()))
        known = [name for name, given in axes.items() if set(given) <= set(plate)]
        parents = draw(st.lists(st.sampled_from(known), max_size=3, unique=True)) if known else []
        for source, target in maps:
            if source in plate and target not in plate and draw(st.booleans()):
                over = [name for name, given in axes.items() if given == (target,)]
                parents += [f"{name}[to_{target}_of_{source}]" for name in over]
        value = " + ".join(parents) or "0.5"
        suffix = f" : {' * '.join(plate)}" if plate else ""
        kind = draw(st.sampled_from(["sample", "sample", "observe", "let", "scan"]))
        name = f"v{number}"
        if kind == "let" and parents:
            lines.append(f"    let {name} = {value}")
            held = {axis for parent in parents for axis in axes.get(parent, plate)}
            axes[name] = tuple(axis for axis in objects if axis in held)
        elif kind == "scan":
            lines.append(f"    let {name} = scan t : {objects[0]}, s = 0.0 in 0.5 * s + 1.0")
            axes[name] = objects[:1]
        elif kind == "observe":
            lines.append(f"    observe y{number}{suffix} <- Normal({value}, 1.0 + x{number % 3})")
        else:
            lines.append(f"    sample {name}{suffix} <- Normal({value}, 1.0)")
            axes[name] = plate
    lines += [f"    sample last : {objects[0]} <- Normal(0.0, 1.0)", "    return last"]
    return "\n".join(lines) + "\n"
