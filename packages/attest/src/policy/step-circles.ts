// Steps whose artifactsFrom go round in a circle: each then vouches for the other, and a step that names itself for itself
// (its materials are among its artifacts). The real engine takes them.
import type { PolicyStep } from './policy-model.ts';

/** The first step that is in a circle or comes from one; null when all lead to steps that come from nothing. */
export function circularStep(steps: readonly Pick<PolicyStep, 'name' | 'artifactsFrom'>[]): string | null {
	const waiting = new Map<string, number>();
	const followers = new Map<string, string[]>();
	for (const { name, artifactsFrom } of steps) {
		const sources = new Set(artifactsFrom);
		waiting.set(name, sources.size);
		for (const from of sources) {
			const ofSource = followers.get(from);
			if (ofSource) ofSource.push(name);
			else followers.set(from, [name]);
		}
	}
	const open = [...waiting].filter(([, count]) => count === 0).map(([name]) => name);
	for (let name = open.pop(); name !== undefined; name = open.pop()) {
		waiting.delete(name);
		for (const follower of followers.get(name) ?? []) {
			const count = (waiting.get(follower) ?? 0) - 1;
			waiting.set(follower, count);
			if (count === 0) open.push(follower);
		}
	}
	const [first] = waiting.keys();
	return first ?? null;
}
