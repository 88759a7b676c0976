/** A few words for RandomPet; the real provider knows more. */
export const adverbs = ["boldly", "calmly", "deeply", "fairly", "gently", "mostly", "nicely", "quietly"];
export const adjectives = [
  "able",
  "brave",
  "clever",
  "eager",
  "fresh",
  "happy",
  "keen",
  "lively",
  "proud",
  "sunny",
];
export const animals = [
  "badger",
  "crane",
  "dolphin",
  "falcon",
  "gecko",
  "heron",
  "lynx",
  "otter",
  "panda",
  "wren",
];
