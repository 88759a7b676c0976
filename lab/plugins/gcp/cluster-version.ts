/** Version that the lab's clusters say they have: that of the API server behind them, in GKE's writing. */
export const masterVersion = "1.36.3-gke.1000";
