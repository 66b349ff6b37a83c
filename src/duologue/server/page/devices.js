/* Microphones, cameras and loudspeakers: which there are, and what to do when one does not come. */

/* Fills each select with the devices of its kind, keeping what was chosen: {audioinput: select, …}. */
export async function offer(selects) {
  const all = await devices();
  for (const [kind, select] of Object.entries(selects)) {
    const found = all.filter((device) => device.kind === kind && device.id);
    const chosen = select.value;
    const options = found.map(({ name, id }) => new Option(name || "unnamed", id));
    select.replaceChildren(new Option("as the system has it", ""), ...options);
    select.value = found.some(({ id }) => id === chosen) ? chosen : "";
  }
}

/* Every microphone, camera and loudspeaker, as {kind, id, name}; names are empty until something was permitted. */
async function devices() {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return all.map(({ kind, deviceId, label }) => ({ kind, id: deviceId, name: label }));
}

/* What a person can do about a microphone or camera that does not come, in one sentence. */
export function advice(error, what) {
  const says = {
    NotAllowedError: `The browser may not use your ${what}. Allow it in the address bar, then try again.`,
    NotFoundError: `There is no ${what} here. Plug one in, then try again.`,
    OverconstrainedError: `That ${what} is gone. Choose another one.`,
    NotReadableError: `Another program holds your ${what}. Close it, then try again.`,
    SecurityError: `Browsers give the ${what} to safe addresses only: open this page over https, or at localhost.`,
  };
  return says[error.name] ?? `The ${what} did not start: ${error.message || error.name}`;
}
