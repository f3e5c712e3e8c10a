/** A kind of node that another one has, named or written out in the text. */
interface ChildKind {
  type: string;
  named: boolean;
}

/** What one field of a node, or its children without a field, may be. */
interface Children {
  multiple: boolean;
  required: boolean;
  types: ChildKind[];
}

/** A kind of node as `src/node-types.json` describes it. */
interface NodeKind extends ChildKind {
  fields?: Record<string, Children>;
  children?: Children;
  subtypes?: ChildKind[];
}

/** The QVR language, to be given to `Parser.setLanguage` of the package `tree-sitter`. */
declare const language: {
  name: 'qvr';
  language: unknown;
  nodeTypeInfo: NodeKind[];
  HIGHLIGHTS_QUERY: string;
  LOCALS_QUERY: string;
  INJECTIONS_QUERY: string;
  TAGS_QUERY: string;
};
export = language;
