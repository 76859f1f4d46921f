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
    private struct Ticket {
        /// The handle of the generation.
        let id: UInt64
        /// The key of the fair share.
        let owner: UInt64
        let priority: Int
        /// The work that the owner is charged at admission; 0 for a sequence that has run before.
        let work: Int
        let arrival: MonotonicTime
        /// The number of the arrival; it decides between equal times.
        let number: UInt64
        let isPreempted: Bool
        let element: Element

        /// The order among the requests of one owner.
        var deadline: (MonotonicTime, UInt64) { (arrival + FairQueue.agingStep * -priority, number) }
    }

    private struct Account {
        /// The work that the owner has received, in the units of the queue's virtual time.
        var virtualTime: Double = 0
        /// The time at which a request of the owner was last admitted.
        var lastAdmission: MonotonicTime?
        var waitingCount = 0
    }

    /// The time after which a waiting request counts as of the next higher priority.
    static var agingStep: Duration { .seconds(5) }
    /// The smallest work of a request: many tiny requests are no way around the fair share.
    static var leastWork: Int { 64 }
    /// The number of owners above which those are forgotten whose virtual time means nothing any more.
    private static var accountLimit: Int { 256 }

    /// In order of arrival at the queue. A position is an index here.
    private var tickets: [Ticket] = []
    private var accounts: [UInt64: Account] = [:]
    /// The virtual time at which an owner begins.
    private var virtualTime: Double = 0
    private var lastNumber: UInt64 = 0
    /// Increases with every change of the queue.
    private(set) var revision: UInt64 = 0

    init() {}

    /// The number of waiting requests.
    var count: Int { tickets.count }

    var isEmpty: Bool { tickets.isEmpty }

    /// The element at a position. Positions are not the order of admission.
    subscript(position: Int) -> Element { tickets[position].element }

    // MARK: Changes

    /// Adds a request that has not run yet.
    ///
    /// - Parameters:
    ///   - work: tokens of the prompt.
    ///   - arrival: the time of its submission.
    mutating func append(
        _ element: Element, id: UInt64, owner: UInt64 = 0, priority: Int = 0, work: Int = 0, arrival: MonotonicTime
    ) {
        add(element, id, owner, priority, max(work, Self.leastWork), arrival, isPreempted: false)
    }

    /// Adds a sequence that has run before. It comes before all others, and its owner is not charged again.
    mutating func prepend(_ element: Element, id: UInt64, owner: UInt64 = 0, arrival: MonotonicTime) {
        add(element, id, owner, 0, 0, arrival, isPreempted: true)
    }

    private mutating func add(
        _ element: Element, _ id: UInt64, _ owner: UInt64, _ priority: Int, _ work: Int, _ arrival: MonotonicTime,
        isPreempted: Bool
    ) {
        lastNumber += 1
        revision += 1
        let range = RequestPriority.range
        tickets.append(
            Ticket(
                id: id, owner: owner, priority: min(max(priority, range.lowerBound), range.upperBound), work: work,
                arrival: arrival, number: lastNumber, isPreempted: isPreempted, element: element))
        var account = accounts[owner] ?? Account()
        if account.waitingCount == 0 { account.virtualTime = max(account.virtualTime, virtualTime) }
        account.waitingCount += 1
        accounts[owner] = account
    }

    /// Removes a request that gets its sequence, and charges its owner.
    mutating func admit(at position: Int, now: MonotonicTime) -> Element {
        // Counted before the request leaves.
        let owners = accounts.values.count { $0.waitingCount > 0 }
        let ticket = remove(position)
        guard !ticket.isPreempted, var account = accounts[ticket.owner] else { return ticket.element }
        let (work, start) = (Double(ticket.work), account.virtualTime)
        account.virtualTime = start + work
        account.lastAdmission = now
        accounts[ticket.owner] = account
        let least = accounts.values.lazy.filter { $0.waitingCount > 0 }.map(\.virtualTime).min() ?? start
        virtualTime = max(virtualTime + work / Double(max(owners, 1)), min(start, least))
        if accounts.count > Self.accountLimit { forgetIdleAccounts() }
        return ticket.element
    }

    /// Charges an owner for work that was not known at admission: tokens that its requests generated.
    mutating func charge(owner: UInt64, work: Int) {
        guard work > 0 else { return }
        accounts[owner]?.virtualTime += Double(work)
    }

    /// Removes a request that ends before it gets a sequence; its owner is not charged. `nil` if there is none.
    mutating func remove(id: UInt64) -> Element? {
        tickets.firstIndex { $0.id == id }.map { remove($0).element }
    }

    private mutating func remove(_ position: Int) -> Ticket {
        let ticket = tickets.remove(at: position)
        accounts[ticket.owner]?.waitingCount -= 1
        revision += 1
        return ticket
    }

    /// Removes and returns all requests, in order of arrival.
    mutating func removeAll() -> [Element] {
        defer { (tickets, accounts) = ([], [:]) }
        return tickets.map(\.element)
    }

    /// Forgets owners without requests that would begin at the virtual time of the queue anyway.
    private mutating func forgetIdleAccounts() {
        accounts = accounts.filter { $0.value.waitingCount > 0 || $0.value.virtualTime > virtualTime }
    }

    // MARK: Order

    /// The position of a request and its element; `nil` if there is none.
    func find(id: UInt64) -> (position: Int, element: Element)? {
        tickets.firstIndex { $0.id == id }.map { ($0, tickets[$0].element) }
    }

    /// The position of the request that gets the next sequence, among the requests that can use it.
    ///
    /// - Parameter isEligible: false for a request that waits for something else than a sequence, such as a certain
    ///   slot. It delays no other request.
    /// - Complexity: O(waiting requests).
    func next(at now: MonotonicTime, where isEligible: (Element) -> Bool = { _ in true }) -> Int? {
        // The request of each owner that comes next.
        var heads: [UInt64: Int] = [:]
        var preempted: Int?
        for (position, ticket) in tickets.enumerated() where isEligible(ticket.element) {
            if ticket.isPreempted {
                if let other = preempted, tickets[other].arrival <= ticket.arrival { continue }
                preempted = position
            } else if let head = heads[ticket.owner], tickets[head].deadline <= ticket.deadline {
                continue
            } else {
                heads[ticket.owner] = position
            }
        }
        return preempted ?? heads.values.min { precedes($0, $1, at: now) }
    }

    /// Whether the request of one owner comes before that of another.
    private func precedes(_ left: Int, _ right: Int, at now: MonotonicTime) -> Bool {
        let (first, second) = (level(of: tickets[left], at: now), level(of: tickets[right], at: now))
        if first != second { return first > second }
        let (leftTime, rightTime) = (accounts[tickets[left].owner], accounts[tickets[right].owner])
        if let leftTime, let rightTime, leftTime.virtualTime != rightTime.virtualTime {
            return leftTime.virtualTime < rightTime.virtualTime
        }
        return tickets[left].deadline < tickets[right].deadline
    }

    /// The class of a request among those of all owners.
    private func level(of ticket: Ticket, at now: MonotonicTime) -> Int {
        let begin = max(ticket.arrival, accounts[ticket.owner]?.lastAdmission ?? ticket.arrival)
        let steps = Int((now - begin) / Self.agingStep)
        return min(ticket.priority + max(steps, 0), RequestPriority.range.upperBound)
    }

    /// The ids of all waiting requests in the order in which they get sequences if nothing else arrives.
    ///
    /// - Complexity: O(n × waiting owners) for n requests. For reports, not for admission.
    func order(at now: MonotonicTime) -> [UInt64] {
        var ids = tickets.filter(\.isPreempted).sorted { ($0.arrival, $0.number) < ($1.arrival, $1.number) }.map(\.id)
        // The positions of each owner's requests, the next one last.
        var rest = Dictionary(grouping: tickets.indices.filter { !tickets[$0].isPreempted }) { tickets[$0].owner }
            .mapValues { $0.sorted { tickets[$0].deadline > tickets[$1].deadline } }
        var simulation = self
        while let head = rest.values.lazy.compactMap(\.last).min(by: { simulation.precedes($0, $1, at: now) }) {
            let ticket = tickets[head]
            ids.append(ticket.id)
            rest[ticket.owner]?.removeLast()
            if rest[ticket.owner]?.isEmpty == true { rest[ticket.owner] = nil }
            simulation.accounts[ticket.owner]?.virtualTime += Double(ticket.work)
            simulation.accounts[ticket.owner]?.lastAdmission = now
        }
        return ids
    }
}
