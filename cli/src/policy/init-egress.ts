// The addresses that good builds connected to, and the Rego that allows them and no others; pure.
import { printable } from '../text/printable.ts';
import type { GoodBuild } from './init-session.ts';

export interface Egress {
	address: string;
	port: number;
	/** Programs that connected. */
	programs: string[];
}

const families: ReadonlySet<string> = new Set(['AF_INET', 'AF_INET6']);

/** By address and port, sorted; connections of the session's own processes, unix sockets left out. */
export function egressOf(builds: readonly GoodBuild[]): Egress[] {
	const found = new Map<string, { address: string; port: number; programs: Set<string> }>();
	for (const { trace } of builds) {
		const binaryOf = new Map(trace?.processes.map((process) => [process.execId, process]));
		for (const { op, family, address, port, execId } of trace?.connections ?? []) {
			const process = binaryOf.get(execId);
			if (op !== 'connect' || !families.has(family) || process?.foreign === true) continue;
			const key = `${address} ${port}`;
			const entry = found.get(key) ?? { address, port, programs: new Set() };
			found.set(key, entry);
			entry.programs.add(process?.binary ?? 'unknown');
		}
	}
	return [...found]
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([, { address, port, programs }]) => ({ address, port, programs: [...programs].sort() }));
}

/** For the runtime-trace statement: no attestation that Witness reads has a build's connections. */
export function egressRego(egress: readonly Egress[]): string {
	const list = egress
		.map(
			({ address, port, programs }) =>
				`\t${JSON.stringify(`${address} port ${port}`)}, # ${printable(programs.join(', '))}\n`,
		)
		.join('');
	return `# Whom a build may call. \`affidavit verify\` asks this of the runtime-trace statement of the build's session, signed by a
# functionary of the step. Witness does not: none of the attestations that it reads has a build's connections.
package affidavit.egress

# Address and port of each connection that was seen, and which programs made it.
allowed := ${list === '' ? 'set()' : `{\n${list}}`}

deny[msg] {
	connection := connections[_]
	to := sprintf("%s port %v", [connection.address, connection.port])
	not allowed[to]
	msg := sprintf("connection that is not allowed: %s", [to])
}

# Connections that the statement does not list could go anywhere.
deny[msg] {
	omitted := object.get(input, ["omitted", "connections"], -1)
	omitted != 0
	msg := sprintf("connections that the statement does not list: %v", [omitted])
}

# The build's own, over IP; sockets of the machine itself are left out.
connections[connection] {
	connection := input.connections[_]
	connection.op == "connect"
	{"AF_INET", "AF_INET6"}[connection.family]
	not foreign[connection.execId]
}

foreign[id] {
	input.processes[i].foreign == true
	id := input.processes[i].execId
}
`;
}
