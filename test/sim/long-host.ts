// SYNTHETIC: one host for an hour, with builds one after the other, beside each other, and processes that are older than
// what a correlator remembers.
import { sources, WORKSPACE } from '../synthetic/scenarios.ts';
import { StreamBuilder, type VirtualProcess } from '../synthetic/stream-builder.ts';

const minuteMs = 60_000;
const CC1 = '/usr/libexec/gcc/x86_64-linux-gnu/14/cc1';

export function longHost(commit: string): StreamBuilder {
	const stream = new StreamBuilder('synth-long', Date.UTC(2026, 10, 23, 9, 0, 0));
	for (const [path, content] of Object.entries(sources)) stream.place(`${WORKSPACE}/${path}`, content);
	const runner = stream.spawn(stream.init, '/opt/runner/bin/Runner.Worker', 'spawnclient', { cwd: '/opt/runner' });
	const daemon = stream.spawn(stream.init, '/usr/sbin/syncd', '--watch', { cwd: '/' });
	const begin = (runId: string): VirtualProcess =>
		stream.spawn(runner, '/usr/bin/bash', `-e build-${runId}.sh`, {
			cwd: WORKSPACE,
			environment: {
				CI: 'true',
				GITHUB_ACTIONS: 'true',
				GITHUB_RUN_ID: runId,
				GITHUB_RUN_ATTEMPT: '1',
				GITHUB_SHA: commit,
				GITHUB_REPOSITORY: 'example/synthetic',
				GITHUB_WORKSPACE: WORKSPACE,
			},
		});
	const compile = (shell: VirtualProcess, unit: string): void => {
		const cc1 = stream.spawn(shell, CC1, `${unit}.c -o ${unit}.s`);
		stream.read(cc1, `${WORKSPACE}/${unit}.c`);
		stream.read(cc1, `${WORKSPACE}/lib.h`);
		stream.write(cc1, `${WORKSPACE}/${unit}.s`, `assembly of ${unit} by ${shell.pid}`);
		stream.exit(cc1);
	};
	const libC = `${WORKSPACE}/lib.c`;

	stream.wait(15 * minuteMs);
	const first = begin('92001');
	compile(first, 'main');
	stream.wait(minuteMs / 2);
	compile(first, 'lib');
	stream.exit(first);

	stream.wait(4 * minuteMs);
	const second = begin('92002');
	compile(second, 'main');
	stream.wait(minuteMs / 4);
	const third = begin('92003');
	compile(third, 'main');
	// The daemon is older than the horizon: only its own events still tell who it is.
	stream.write(daemon, libC, `${sources['lib.c']}/* synced */\n`);
	compile(second, 'lib');
	stream.exit(second);
	stream.write(daemon, libC, sources['lib.c'] as string);
	stream.wait(2 * minuteMs);
	compile(third, 'lib');
	stream.exit(third);

	stream.wait(20 * minuteMs);
	const fourth = begin('92004');
	compile(fourth, 'lib');
	compile(fourth, 'main');
	stream.exit(fourth);
	return stream;
}
