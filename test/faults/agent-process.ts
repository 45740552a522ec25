// node agent-process.ts HOST CONFIG DATA-FOLDER EVENTS KEY
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { outlast } from '@affidavit/cli/service/outlast.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { openKafkaLog } from '@affidavit/stream/kafka/log.ts';
import { sendStream } from '../fleet/agent.ts';
const [name, config, folder, eventsFile, keyFile, keyId] = process.argv.slice(2) as [string, string, string, string, string, string];
const { kafka } = JSON.parse(readFileSync(config, 'utf8'));
const privateKey = createPrivateKey(readFileSync(keyFile));
const log = await outlast('kafka', () => openKafkaLog({ brokers: kafka.brokers, topicPrefix: kafka.topicPrefix }), { emit: (e) => console.error(JSON.stringify(e)), signal: new AbortController().signal, random: Math.random });
const { createKeyedSeals } = await import('@affidavit/stream/seal/keyed-seals.ts');
const seals = createKeyedSeals({ own: { privateKey, keyId }, resolve: () => undefined });
await sendStream({ name, eventsFile, privateKey, keyId } as never, { folder, remote: log as never, seals, emit: collectingEmit().emit });
await log?.close();
