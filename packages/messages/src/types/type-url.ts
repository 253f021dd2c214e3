/** What stands in front of the type's name in an Any, as Python packs it. Nobody fetches it. */
export const typeUrlPrefix = 'type.googleapis.com/';
