/**
 * SHA-256 of the files that are fetched beside this one, as the integrity
 * attribute writes it, by their paths. The site's build fills the list in
 * (tools/site/assemble); what is not in it is not checked.
 *
 * @type {Record<string, string>}
 */
export const hashes = {};
