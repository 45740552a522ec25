// The three recorded builds that the demo plays, with what each stands for. The recordings are in test/fixtures/traces.
import { fileURLToPath } from 'node:url';

export interface Story {
	title: string;
	/** What happened on the build host, before the verdict is shown. */
	scene: string;
	stream: string;
	/** Repository name as the CI said it. */
	repository: string;
	/** Known-bad digests, with a comment. */
	indicators: readonly string[];
	expected: 'passed' | 'failed';
}

const traces = fileURLToPath(new URL('../../../test/fixtures/traces/', import.meta.url));

export const eventsOf = (story: Story): string => `${traces}${story.stream}/events.jsonl.gz`;
export const bundleOf = (story: Story): string => `${traces}${story.stream}/repo.bundle`;

export const stories: readonly Story[] = [
	{
		title: 'A source file swapped for the moment of compilation',
		scene:
			'An agent of the attacker waits for the compiler, swaps main.go, and puts it back, modification time included. git says that the tree is clean.',
		stream: '02a-go-swap',
		repository: 'example/goapp',
		indicators: [],
		expected: 'failed',
	},
	{
		title: 'A trojaned compiler',
		scene:
			'The compiler itself was replaced before the build and put back after it. No source was touched. Its digest is on the list of known-bad ones.',
		stream: '03-go-trojan-compiler',
		repository: 'example/goapp3',
		indicators: ['sha256:6757f3e31eaa4d47712fc572353c0684cc648c1cf65e4622e1f122bd6d4a33a4 # trojaned Go compiler'],
		expected: 'failed',
	},
	{
		title: 'A clean build',
		scene: 'The same program, built as it should be.',
		stream: '01b-go-clean-warm',
		repository: 'example/goapp',
		indicators: [],
		expected: 'passed',
	},
];
