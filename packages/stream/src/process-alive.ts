/** Whether a process of this machine has the id, whoever's it is. A dead one's id may be another's by now. */
export function isProcessAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch (cause) {
		// EPERM: it runs, as another user.
		return (cause as NodeJS.ErrnoException).code !== 'ESRCH';
	}
}
