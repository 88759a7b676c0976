/** Names the file of the code cache; apart from code-cache.ts, which acts when it is loaded. */
export const cacheVariable = "INFERENCE_LAB_CODE_CACHE";
