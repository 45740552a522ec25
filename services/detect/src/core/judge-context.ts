// What every judge of a session's close is given.
import type { OpenedFact } from '@affidavit/model/generated/session.ts';
import type { RuleSet } from '../rules/rule-set.ts';
import type { History } from './history.ts';
import type { ProcessIndex } from './process-index.ts';
import type { ProductFlow } from './product-flow.ts';
import type { Repository } from './repository.ts';
import type { Workspace } from './workspace.ts';

export interface JudgeContext {
	session: string;
	rules: RuleSet;
	opened: OpenedFact | null;
	/** Event time of the session's start; 0 when it is not known. */
	startUs: number;
	/** Event time of its end; the largest integer when it is not known. */
	endUs: number;
	processes: ProcessIndex;
	workspace: Workspace;
	repository: Repository;
	/** True when the repository is the build's own word. Not known to leads. */
	declared?: boolean;
	history: History;
	flow: ProductFlow;
}
