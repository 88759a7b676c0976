/** Names the descriptor that a child watches; apart from child-watch.ts, which acts when it is loaded. */
export const watchVariable = "INFERENCE_LAB_WATCH_FD";
