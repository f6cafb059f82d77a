// Stands in for modules of node that packages name but do not need in a page: one of them derives a class from it.
export class EventEmitter {}
export default {}
