// How statuses, times and events are said.

const TONES = {
  verified: "good", completed: "good",
  running: "busy", reported: "busy", in_progress: "busy",
  failed: "bad", aborted: "bad", completed_with_failures: "warn",
  retry_waiting: "warn", rate_limited: "warn", asking: "warn", blocked: "warn",
  paused: "warn", suspended: "warn", interrupted: "warn", cancelled: "warn",
};

export const tone = (status) => `is-${TONES[status] ?? "calm"}`;
export const words = (name) => name.replaceAll("_", " ");
export const percent = (value) => Math.floor(value + 1e-6);

/** 12 s, 3 min, 1 h 05 min. */
export function duration(seconds) {
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

export function etaRange(eta) {
  if (!eta) return "";
  const [low, high] = [duration(eta.low), duration(eta.high)];
  return low === high ? `about ${low} left` : `${low} – ${high} left`;
}

export function clock(at) {
  return new Date(at * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
}

/** What is shown of an event: a tone and a sentence. */
export function told({ type, data }) {
  const say = SENTENCES[type];
  const [kind, sentence] = say ? say(data) : ["calm", [words(type), data.item, data.reason].filter(Boolean).join(" · ")];
  return { tone: `is-${kind}`, sentence };
}

const SENTENCES = {
  run_started: (data) => ["busy", `The run began${data.rehearsal ? ", as a rehearsal" : ""}`],
  plan_compiled: (data) => ["calm", `Planned: ${data.requirements} requirements, ${data.items} work items`],
  run_paused: (data) => ["warn", `The run is ${data.status}: ${data.reason}`],
  run_rewound: (data) => ["busy", `The run is taken back: ${data.reason}`],
  run_resumed: (data) => ["busy", `The run goes on: ${data.reason}`],
  run_ended: (data) => [data.outcome === "completed" ? "good" : "warn", `The run ended: ${words(data.outcome)}`],
  item_ready: (data) => ["calm", `${data.item} is ready`],
  attempt_started: (data) => ["busy", `${data.item} began${data.attempt > 1 ? `, attempt ${data.attempt}` : ""}`],
  attempt_progressed: (data) => ["busy", `${data.item}: ${data.message || `${percent(100 * (data.fraction ?? 0))}%`}`],
  attempt_reported: (data) => ["busy", `${data.item} reports done; now it is checked`],
  check_finished: (data) => [data.evidence.passed ? "good" : "bad", `${data.item}: ${data.evidence.title} ${data.evidence.passed ? "passed" : "failed"}`],
  item_verified: (data) => ["good", data.reused ? `${data.item} is taken over from run ${data.reused.run_id}` : `${data.item} is verified, after ${duration(data.seconds)}`],
  attempt_failed: (data) => ["bad", `${data.item}, attempt ${data.attempt}: ${data.reason}`],
  retry_scheduled: (data) => ["warn", `${data.item} is tried again in ${duration(data.delay)}`],
  item_failed: (data) => ["bad", `${data.item} failed: ${data.reason}`],
  item_blocked: (data) => ["warn", `${data.item} is blocked: ${data.reason}`],
  item_skipped: (data) => ["calm", `${data.item} is skipped: ${data.reason}`],
  checkpoint_saved: (data) => ["calm", `Checkpoint ${data.number}`],
  intervention_requested: (data) => ["warn", `A person is asked: ${data.reason}`],
  intervention_decided: (data) => ["busy", `${data.by} decided for ${data.item}: ${data.action}`],
  error_occurred: (data) => ["bad", `${data.where}: ${data.message}`],
  prefect_state_changed: (data) => ["calm", `Prefect: ${data.item ?? "flow run"} is ${data.name}`],
};
