import MartletProtocol

/// The order in which waiting requests get a sequence: fair between owners, then by priority and arrival.
///
/// Example: owner A has 1,000 requests waiting, then owner B sends one. The next sequence that is free after one request
/// of A goes to B.
///
/// Pure: the caller passes the time, and a test has a manual clock. One thread at a time.
///
/// **Between owners.** The request of an owner that comes next competes with those of the other owners. The larger
/// class wins: the request's priority, plus 1 for each `agingStep` in which it waited and its owner got nothing, up to
/// the largest priority. Within a class the owner wins that has received less work (start-time fair queuing): each
/// owner has a virtual time, which an admission moves forward by the work of the request. An owner that was away begins
/// at the virtual time of the queue, so it has no credit.
///
/// **Within an owner.** The request with the earliest `arrival − priority × agingStep` comes next. So a request of
/// priority p waits behind requests of priority q > p that arrive up to (q − p) × `agingStep` later, and behind no
/// others.
///
/// **No starvation.** A request that comes next for its owner is in the largest class after 20 × `agingStep` (100 s) at
/// most. From then on each admission of another request moves the virtual time of the queue forward by its work divided
/// by the number of owners, and the request is admitted as soon as its owner's virtual time is the smallest. The owner's
/// virtual time is at most the work of its own last request ahead. So with n owners that wait and requests of at most w
/// work, the request is admitted after at most n × (w / smallest work + 1) further admissions.
///
/// **Preempted** sequences have run before. They come before all others, the oldest first.
struct FairQueue<Element> {
    /// A waiting request.
    struct Ticket {
        /// The handle of the generation.
        let id: UInt64
        /// The key of the fair share.
        let owner: UInt64
        let priority: Int
        /// The work that the request is charged at admission: its prompt tokens that must be computed.
        let work: Int
        let arrival: MonotonicTime
        /// The number of the arrival; it decides between equal times.
        let number: UInt64
        var element: Element
    }

    private struct Account {
        var tickets: [Ticket] = []
        /// The work that the owner has received, in the units of the queue's virtual time.
        var virtualTime: Double = 0
        /// When a request of the owner was last admitted.
        var lastAdmission: MonotonicTime?
    }

    /// The time after which a waiting request counts as of the next higher priority.
    static var agingStep: Duration { .seconds(5) }
    /// The smallest work of a request: many tiny requests are no way around the fair share.
    static var leastWork: Int { 64 }
    /// The number of owners above which those are forgotten whose virtual time means nothing any more.
    private static var accountLimit: Int { 256 }

    private var preempted: [Ticket] = []
    private var accounts: [UInt64: Account] = [:]
    /// The virtual time at which an owner begins.
    private var virtualTime: Double = 0
    private var lastNumber: UInt64 = 0

    init() {}

    /// The number of waiting requests.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    // MARK: Changes

    /// Adds a request that has not run yet.
    ///
    /// - Parameters:
    ///   - work: tokens of the prompt that must be computed.
    ///   - arrival: the time of its submission.
    mutating func append(
        _ element: Element, id: UInt64, owner: UInt64 = 0, priority: Int = 0, work: Int = 0, arrival: MonotonicTime
    ) {
        let ticket = makeTicket(element, id, owner, priority, work, arrival)
        var account = accounts[owner] ?? Account()
        if account.tickets.isEmpty { account.virtualTime = max(account.virtualTime, virtualTime) }
        account.tickets.append(ticket)
        accounts[owner] = account
    }

    /// Adds a sequence that was preempted. It is not charged again.
    mutating func prepend(
        _ element: Element, id: UInt64, owner: UInt64 = 0, priority: Int = 0, arrival: MonotonicTime
    ) {
        let ticket = makeTicket(element, id, owner, priority, 0, arrival)
        let position = preempted.firstIndex { $0.arrival > arrival } ?? preempted.endIndex
        preempted.insert(ticket, at: position)
    }

    private mutating func makeTicket(
        _ element: Element, _ id: UInt64, _ owner: UInt64, _ priority: Int, _ work: Int, _ arrival: MonotonicTime
    ) -> Ticket {
        lastNumber += 1
        count += 1
        let range = RequestPriority.range
        return Ticket(
            id: id, owner: owner, priority: min(max(priority, range.lowerBound), range.upperBound),
            work: max(work, Self.leastWork), arrival: arrival, number: lastNumber, element: element)
    }

    /// Removes a request that gets its sequence, and charges its owner.
    /// - Returns: `nil` if no request has that id.
    mutating func admit(id: UInt64, at now: MonotonicTime) -> Element? {
        if let ticket = removePreempted(id) { return ticket.element }
        // Counted before the request leaves.
        let owners = accounts.values.count { !$0.tickets.isEmpty }
        guard let ticket = removeTicket(id) else { return nil }
        charge(ticket, owners: owners, at: now)
        return ticket.element
    }

    private mutating func charge(_ ticket: Ticket, owners: Int, at now: MonotonicTime) {
        let work = Double(ticket.work)
        guard var account = accounts[ticket.owner] else { return }
        let start = max(account.virtualTime, 0)
        account.virtualTime = start + work
        account.lastAdmission = now
        accounts[ticket.owner] = account
        virtualTime = max(virtualTime + work / Double(max(owners, 1)), min(start, leastVirtualTime ?? start))
        forgetIdleAccounts()
    }

    /// Charges an owner for work that was not known at admission: tokens that its requests generated.
    mutating func charge(owner: UInt64, work: Int) {
        guard work > 0, let account = accounts[owner] else { return }
        accounts[owner]?.virtualTime = account.virtualTime + Double(work)
    }

    /// Removes a request that ends before it gets a sequence. Its owner is not charged.
    mutating func remove(id: UInt64) -> Element? {
        (removePreempted(id) ?? removeTicket(id))?.element
    }

    /// Removes and returns all requests, in no particular order.
    mutating func removeAll() -> [Element] {
        let all = preempted.map(\.element) + accounts.values.flatMap { $0.tickets.map(\.element) }
        preempted = []
        accounts = [:]
        count = 0
        return all
    }

    private mutating func removePreempted(_ id: UInt64) -> Ticket? {
        guard let index = preempted.firstIndex(where: { $0.id == id }) else { return nil }
        count -= 1
        return preempted.remove(at: index)
    }

    private mutating func removeTicket(_ id: UInt64) -> Ticket? {
        for (owner, account) in accounts {
            guard let index = account.tickets.firstIndex(where: { $0.id == id }) else { continue }
            count -= 1
            return accounts[owner]?.tickets.remove(at: index)
        }
        return nil
    }

    private var leastVirtualTime: Double? {
        accounts.values.lazy.filter { !$0.tickets.isEmpty }.map(\.virtualTime).min()
    }

    /// Forgets owners without requests that would begin at the virtual time of the queue anyway.
    private mutating func forgetIdleAccounts() {
        guard accounts.count > Self.accountLimit else { return }
        accounts = accounts.filter { !$0.value.tickets.isEmpty || $0.value.virtualTime > virtualTime }
    }

    // MARK: Order

    /// The request with that id.
    func element(id: UInt64) -> Element? {
        if let ticket = preempted.first(where: { $0.id == id }) { return ticket.element }
        for account in accounts.values {
            if let ticket = account.tickets.first(where: { $0.id == id }) { return ticket.element }
        }
        return nil
    }

    /// The request that gets the next sequence, among those that can use it.
    ///
    /// - Parameter isEligible: false for a request that waits for something else than a sequence, such as a certain
    ///   slot. It delays no other request.
    /// - Complexity: O(waiting requests).
    func next(
        at now: MonotonicTime, where isEligible: (Element) -> Bool = { _ in true }
    ) -> (id: UInt64, element: Element)? {
        if let ticket = preempted.first(where: { isEligible($0.element) }) { return (ticket.id, ticket.element) }
        var best: (ticket: Ticket, account: Account)?
        for account in accounts.values {
            guard let ticket = Self.first(of: account, where: isEligible) else { continue }
            if let current = best, !precedes((ticket, account), current, at: now) { continue }
            best = (ticket, account)
        }
        return best.map { ($0.ticket.id, $0.ticket.element) }
    }

    /// The request of an owner that comes next.
    private static func first(of account: Account, where isEligible: (Element) -> Bool) -> Ticket? {
        var best: Ticket?
        for ticket in account.tickets where isEligible(ticket.element) {
            if let current = best, deadline(current) <= deadline(ticket) { continue }
            best = ticket
        }
        return best
    }

    private static func deadline(_ ticket: Ticket) -> (MonotonicTime, UInt64) {
        (ticket.arrival + agingStep * -ticket.priority, ticket.number)
    }

    private func precedes(
        _ left: (ticket: Ticket, account: Account), _ right: (ticket: Ticket, account: Account), at now: MonotonicTime
    ) -> Bool {
        let (leftClass, rightClass) = (level(of: left, at: now), level(of: right, at: now))
        if leftClass != rightClass { return leftClass > rightClass }
        if left.account.virtualTime != right.account.virtualTime {
            return left.account.virtualTime < right.account.virtualTime
        }
        return Self.deadline(left.ticket) < Self.deadline(right.ticket)
    }

    /// The class of a request among those of all owners.
    private func level(of entry: (ticket: Ticket, account: Account), at now: MonotonicTime) -> Int {
        let begin = max(entry.ticket.arrival, entry.account.lastAdmission ?? entry.ticket.arrival)
        let steps = Int((now - begin) / Self.agingStep)
        return min(entry.ticket.priority + max(steps, 0), RequestPriority.range.upperBound)
    }

    /// The ids of all waiting requests in the order in which they get sequences if nothing else arrives.
    ///
    /// - Complexity: O(n × waiting owners) for n requests, and a copy of the queue. For reports, not for admission.
    func order(at now: MonotonicTime) -> [UInt64] {
        var rest = self
        var ids: [UInt64] = []
        ids.reserveCapacity(count)
        while let next = rest.next(at: now) {
            ids.append(next.id)
            _ = rest.admit(id: next.id, at: now)
        }
        return ids
    }
}
