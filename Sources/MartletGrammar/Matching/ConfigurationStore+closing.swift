extension ConfigurationStore {
    /// Follows everything that is reached without reading, from `arrivals` and `calls`.
    ///
    /// Rules are entered in the order of decreasing ranks. A rule's stack, the union of its callers' frames, is then
    /// complete when it is entered, so that each rule is entered once.
    ///
    /// - Returns: the configuration of all threads, or `dead` beyond the limit.
    mutating func close() -> UInt32 {
        let limit = program.limits.threads
        var position = 0
        var isOverflown = false
        while position < arrivals.count, !isOverflown {
            enter(arrivals[position], mayEnd: true)
            position += 1
            isOverflown = arrivals.count > 4 * limit || calls.count > 4 * limit
        }
        // The stack of a rule is complete when all rules that may begin with it were entered.
        while !isOverflown, let rule = calls.popHighest(program.rules) {
            frames.truncate(to: 0)
            calls.forEach(of: rule) { frames.append($0) }
            calls.remove(rule)
            let count = frames.elements.sortedUniqueCount()
            let stack = stacks.number(of: UnsafeMutableBufferPointer(start: frames.base, count: count))
            // The caller has already continued past a rule that matches the empty text, so this end does not return
            // again.
            enter(Item(point: program.rules[Int(rule)].entry, state: 0, stack: stack), mayEnd: false)
            isOverflown = calls.count > 4 * limit || threads.count > limit
        }
        calls.removeAll()
        return finish(isOverflown: isOverflown || threads.count > limit)
    }

    /// Records a call.
    mutating func add(call rule: Int32, _ frame: Item) { calls.add(rule, frame, rank: program.rules[Int(rule)].rank) }

    private mutating func add(call rule: Int32, framesOf stack: UInt32) {
        for index in 0..<stacks.count(of: stack) { add(call: rule, stacks.item(index, of: stack)) }
    }

    /// Adds the threads, calls and ends that a point reaches.
    private mutating func enter(_ item: Item, mayEnd: Bool) {
        let point = program.points[Int(item.point)]
        if point.kind == .count {
            enter(program.counters[Int(point.first)], item, mayEnd: mayEnd)
            return
        }
        let closure = closures.closure(of: item.point, in: program)
        for index in closure.range {
            let reached = closures.point(index)
            let point = program.points[Int(reached)]
            switch point.kind {
            case .automaton:
                let start = program.automata[Int(point.first)].start
                threads.append(Item(point: reached, state: start, stack: item.stack))
            case .call:
                // A tail call: its rule returns directly to the caller's frames, so that right recursion does not
                // deepen the stack.
                if program.points[Int(point.next)].kind == .end {
                    add(call: point.first, framesOf: item.stack)
                } else {
                    add(call: point.first, Item(point: point.next, state: 0, stack: item.stack))
                }
            default: threads.append(Item(point: reached, state: 0, stack: item.stack))
            }
        }
        if closure.reachesEnd, mayEnd { leave(item.stack) }
    }

    /// Enters a counted repetition: another round, or the end of it.
    private mutating func enter(_ counter: Counter, _ item: Item, mayEnd: Bool) {
        if mayEnd, counter.canEnd(at: item.state) { leave(item.stack) }
        guard counter.canRepeat(at: item.state) else { return }
        let count = counter.next(item.state)
        if counter.canRepeat(at: count) {
            add(call: counter.body, Item(point: item.point, state: count, stack: item.stack))
        } else {
            add(call: counter.body, framesOf: item.stack)
        }
    }

    /// Returns from a rule to all frames of its stack.
    private mutating func leave(_ stack: UInt32) {
        for index in 0..<stacks.count(of: stack) {
            let frame = stacks.item(index, of: stack)
            if frame == .bottom { isComplete = true } else { arrivals.add(frame) }
        }
    }

    /// Sorts `threads` and merges threads at the same position: their stacks are united.
    ///
    /// - Returns: the number of threads that remain, at the front.
    mutating func mergedThreadCount() -> Int {
        let count = threads.elements.sortedUniqueCount()
        var kept = 0
        var position = 0
        while position < count {
            var item = threads[position]
            var end = position + 1
            while end < count, threads[end].point == item.point, threads[end].state == item.state { end += 1 }
            if end - position > 1 {
                frames.truncate(to: 0)
                for index in position..<end {
                    let stack = threads[index].stack
                    for frame in 0..<stacks.count(of: stack) { frames.append(stacks.item(frame, of: stack)) }
                }
                let frameCount = frames.elements.sortedUniqueCount()
                item.stack = stacks.number(of: UnsafeMutableBufferPointer(start: frames.base, count: frameCount))
            }
            threads[kept] = item
            kept += 1
            position = end
        }
        return kept
    }
}
