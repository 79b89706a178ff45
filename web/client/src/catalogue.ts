/** What the handler of each type of the catalogue finds in `data`. Extend it with types of your own. */
export interface Catalogue {}
