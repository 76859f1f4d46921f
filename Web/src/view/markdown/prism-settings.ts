// Prism reads this before it starts: it must neither search the page for code nor answer messages of workers.
(globalThis as unknown as { Prism: object }).Prism = { manual: true, disableWorkerMessageHandler: true };

export {};
