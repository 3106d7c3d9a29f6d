declare const DEMO: boolean;
