import { deployStack } from "./stacks/stack";

// Reads the stack's config, plans, builds what the plan says, and returns the stack's outputs.
export = deployStack;
