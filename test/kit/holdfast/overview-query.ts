/** What the first page of Backup Center asks. */
export const OVERVIEW = `query {
  protectedItems(first: 200) { edges { node { id name } } }
  open: jobs(first: 20, filter: { states: [QUEUED, DISPATCHED, RUNNING] }) { edges { node { id state progress { phase bytesRead rate } } } }
  failed: jobs(first: 5, filter: { states: [FAILED] }) { edges { node { id state } } }
  agents(first: 200) { edges { node { id name status } } }
  vaults(first: 200) { edges { node { id name recoveryPointCount storedBytes } } }
}`;
