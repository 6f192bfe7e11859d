// Stands in for node's modules, which the peers import only under node.
export default {};
