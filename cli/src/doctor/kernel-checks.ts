// Can this kernel give digests at open and exec? Pure; docs/tetragon-policies.md has the reasons and the measurements.
import { type Check, fail, ok, type Result, unknown, warn, worst } from './check.ts';
import type { ImaState, KernelConfig, Probed } from './probes.ts';

/** First kernel with the LSM hook file_post_open. */
const kernelMin = [6, 9] as const;

export function kernelVersion(probed: Probed<string>): Result {
	const match = probed.kind === 'found' ? /^(\d+)\.(\d+)/.exec(probed.value) : null;
	if (probed.kind !== 'found' || !match)
		return unknown(why(probed, 'no kernel release'), 'Run the doctor on the Linux host on which builds run.');
	const [major, minor] = [Number(match[1]), Number(match[2])];
	if (major > kernelMin[0] || (major === kernelMin[0] && minor >= kernelMin[1])) return ok(probed.value);
	return fail(
		probed.value,
		'Kernel digests need 6.9 or newer (hook file_post_open). Until then what compilers read stays unverified, and sessions are incomplete.',
	);
}

export function configOption(probed: Probed<KernelConfig>, option: string, purpose: string): Result {
	if (probed.kind !== 'found')
		return unknown(
			why(probed, 'no /proc/config.gz and no config of this kernel in /boot or /lib/modules'),
			`See that the kernel was built with ${option}=y: ${purpose}.`,
		);
	const value = probed.value.values.get(option);
	return value === 'y'
		? ok(`${option}=y (${probed.value.path})`)
		: fail(
				`${option}${value === undefined ? ' is not set' : `=${value}`} (${probed.value.path})`,
				`Use a kernel built with ${option}=y: ${purpose}.`,
			);
}

export function bpfModule(probed: Probed<string[]>): Result {
	if (probed.kind !== 'found')
		return unknown(
			why(probed, '/sys/kernel/security/lsm is not there'),
			'Mount securityfs (mount -t securityfs none /sys/kernel/security), then ask again.',
		);
	const list = probed.value.join(',');
	return probed.value.includes('bpf')
		? ok(list)
		: fail(
				list,
				`Boot with lsm=${list === '' ? '' : `${list},`}bpf: without it Tetragon's LSM hooks are never called.`,
			);
}

export function imaPolicy(probed: Probed<ImaState>): Result {
	const advice =
		'Boot without ima_policy= and load no IMA policy: with one, IMA reuses digests of old content, which would pass as clean.';
	if (probed.kind !== 'found') return unknown(why(probed, "IMA's files are not there"), advice);
	const { bootPolicy, rules, measurements } = probed.value;
	if (bootPolicy !== null) return fail(`ima_policy=${bootPolicy} on the kernel's command line`, advice);
	if (rules !== null && rules > 0) return fail(`a policy of ${rules} rules is loaded`, advice);
	if (rules === 0) return ok('no policy is loaded');
	if (measurements !== null && measurements > 1)
		return warn(`${measurements} measurements: a policy seems to be loaded`, advice);
	if (measurements !== null) return ok('no ima_policy= at boot, and nothing was measured');
	return unknown('no ima_policy= at boot; the loaded policy may not be read', `Run the doctor as root. ${advice}`);
}

export function typeInformation(probed: Probed<number>): Result {
	if (probed.kind === 'found' && probed.value > 0) return ok('/sys/kernel/btf/vmlinux');
	if (probed.kind === 'unreadable') return unknown(probed.why, 'Run the doctor as root.');
	return fail(
		'/sys/kernel/btf/vmlinux is not there',
		'Use a kernel with CONFIG_DEBUG_INFO_BTF=y, or give Tetragon a BTF file with --btf.',
	);
}

/** What follows from the checks above for the digests in statements. */
export function kernelDigests(needed: readonly Check[]): Result {
	const names = (status: Check['status']): string =>
		needed
			.filter((c) => c.status === status)
			.map((c) => c.id)
			.join(', ');
	switch (worst(needed.map((c) => c.status))) {
		case 'ok':
			return ok('available: the kernel hashes what is opened and executed, before it is read');
		case 'unknown':
			return unknown(`cannot be told: ${names('unknown')}`, 'Clear up the checks named, then ask again.');
		case 'warn':
			return warn(`doubtful: ${names('warn')}`, 'Follow the advice of the checks named before you rely on digests.');
		case 'fail':
			return fail(
				`not available: ${names('fail')}`,
				'Follow the advice of the checks named. Until then what compilers read stays unverified, and sessions are incomplete.',
			);
	}
}

export const why = (probed: Probed<unknown>, absent: string): string =>
	probed.kind === 'unreadable' ? probed.why : absent;
