// Most cases are one changed part of the usual scenario.
import type { MatrixCase } from './case.ts';
import type { Maker, Scenario } from './maker.ts';

/** A case of the scenario that `make` gives; `more` adds traps or words. */
export const scenario = (
	name: string,
	peer: MatrixCase['peer'],
	make: (maker: Maker) => Scenario | Promise<Scenario>,
	more: Partial<MatrixCase> = {},
): MatrixCase => ({ name, peer, make: async (maker) => maker.given(await make(maker)), ...more });
