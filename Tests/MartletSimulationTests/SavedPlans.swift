/// Plans that broke a rule before a repair. A line is added for each fault that the simulation finds.
enum SavedPlans {
    static let lines = [
        // In an optimized build: never ended, given up after three crashes, when its first choice had ended.
        "seed=584 steps=562 actors=5 faults=0,1,5",
        // A simulated executor of journals never noticed the end of its last step, so that no shutdown ended.
        "seed=7696 steps=2000 actors=0,1,2 faults=0,2",
        // The journal of a fork came back without its request, and its prompt was submitted for three choices: those of
        // the next generation too.
        "seed=401535 steps=2000 actors=0,1,2,3,4,5,6 faults=1,3,4,5",
        // Withheld text took a number that a reader had seen under another event.
        "seed=102403 steps=2000 actors=0,1,2,3 faults=0,1,2,3,4,5",
        // Text that a parser had withheld was visible before the cancellation that brought it was durable.
        "seed=392 steps=2000 actors=0,1,2,3,4,5 faults=0,1,2,3,4,5",
        // A generation that was deleted while its model loaded stayed in memory.
        "seed=16 steps=2000 actors=0,1,2,3,4,5,6,7,8 faults=0,1,2,3,4,5",
        // A journal comes back from a newer build.
        "seed=290 steps=2000 actors=0,1,2,3,4 faults=0,1,2",
        // Rules that knew too little: bytes of a generation that is deleted meanwhile have no log to be compared with.
        "seed=395 steps=2000 actors=0,1,2,3,4,5 faults=0,1,2,3,4,5",
        // A record of skipped numbers without its terminal event dropped the last text of a generation.
        "seed=5839 steps=2000 actors=0,1,2,3,4,5,6,7,8 faults=0,1,2,3,4,5",
        // Rules that knew too little: a journal at its limit, and a server that starts on a disk with read errors.
        "seed=2509852 steps=2000 actors=0,1,2,3 faults=0,1",
        "seed=1501743 steps=2000 actors=0,1,2,3,4,5,6,7 faults=0,1,2,3,4,5",
        "seed=708 steps=2000 actors=0,1,2,3,4,5,6,7,8 faults=0,1,4,5",
    ]
}
