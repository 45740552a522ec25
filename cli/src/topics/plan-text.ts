// A plan of topics in words, and as JSON.
import type { SettingChange, TopicPlan, TopicRefusal, TopicSettings } from '@affidavit/stream/kafka/topic-plan.ts';
import { printable } from '../text/printable.ts';

/** What the broker says is printed without its control characters. */
export function planText({ create, alter, refuse }: TopicPlan, applied: boolean): string {
	const lines = [
		...create.map((topic) => `${applied ? 'created' : 'create '} ${topic.name}: ${settingsText(topic)}`),
		...alter.map(
			({ name, changes }) => `${applied ? 'altered' : 'alter  '} ${name}: ${changes.map(changeText).join(', ')}`,
		),
		...refuse.map((refusal) => `refused ${refusal.name}: ${refusalText(refusal)}`),
	];
	if (lines.length === 0) lines.push('nothing to do: every topic is there as it should be');
	return `${lines.map(printable).join('\n')}\n`;
}

const settingsText = ({ partitions, replicationFactor, config }: TopicSettings): string =>
	[
		`partitions ${partitions}`,
		`replicas ${replicationFactor}`,
		...[...config].map(([setting, value]) => `${setting} ${value}`),
	].join(', ');

const changeText = ({ setting, from, to }: SettingChange): string =>
	`${setting} ${from === '' ? 'unset' : from} → ${to}`;

const refusalText = ({ setting, found, expected, why, mendable }: TopicRefusal): string =>
	`${setting} is ${found}, expected ${expected}: ${why}${mendable ? ' (--mend alters it)' : ''}`;

export const planJson = ({ create, alter, refuse }: TopicPlan) => ({
	create: create.map(({ name, partitions, replicationFactor, config }) => ({
		name,
		partitions,
		replicationFactor,
		config: Object.fromEntries(config),
	})),
	alter: alter.map(({ name, changes }) => ({ name, changes })),
	refuse,
});
