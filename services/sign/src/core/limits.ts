// Bounds of what is held in memory and what a statement lists. Beyond them the full log has the facts, and the statement says so.

export interface SignLimits {
	/** File facts (folded) that a runtime-trace statement lists; with more, the full log becomes a blob and `chosenFilesMax` are listed. */
	listedFilesMax: number;
	/** File facts listed beside a log. */
	chosenFilesMax: number;
	/** Facts of each other kind that a runtime-trace statement lists. */
	listedFactsMax: number;
	/** Facts of each kind but files that one session may have at all; more are dropped, and the session is not signed as passed. */
	heldFactsMax: number;
	/** Processes of a collection; a session with more is not signed under the step's name, since a policy could not see them all. */
	collectedProcessesMax: number;
	/** Files of `material`, and pairs of process and file in `openedfiles`, of a collection. */
	collectedFilesMax: number;
	/** Subjects of one part of the index statement. */
	indexSubjectsMax: number;
	/** Items that a sort holds in memory before it writes a run. */
	runItemsMax: number;
}

export const defaultLimits: SignLimits = {
	listedFilesMax: 20_000,
	chosenFilesMax: 5_000,
	listedFactsMax: 20_000,
	heldFactsMax: 100_000,
	collectedProcessesMax: 50_000,
	collectedFilesMax: 20_000,
	indexSubjectsMax: 10_000,
	runItemsMax: 8_000,
};
