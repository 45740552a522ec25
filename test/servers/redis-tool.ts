import { findTool, MissingTool, runTool } from './tools.ts';

const installMsMax = 5 * 60_000;

/** redis-server: found, or installed where that is possible without asking (Debian as root). Throws MissingTool. */
export async function redisServer(): Promise<string> {
	const found = findTool('redis-server');
	if (found !== null) return found;
	const apt = findTool('apt-get');
	if (apt === null || process.getuid?.() !== 0)
		throw new MissingTool('redis-server is not on the PATH, and only root can install it with apt-get');
	try {
		await runTool(apt, ['update', '-qq'], installMsMax);
		await runTool(apt, ['install', '-y', '-qq', '--no-install-recommends', 'redis-server'], installMsMax);
	} catch (error) {
		throw new MissingTool(`redis-server could not be installed: ${(error as Error).message}`, error);
	}
	const installed = findTool('redis-server');
	if (installed === null) throw new MissingTool('redis-server is not on the PATH, even after apt-get installed it');
	return installed;
}
