extension Plan {
    /// What a seed stands for.
    public init(seed: UInt64) {
        var random = SeededRandom(seed: seed, stream: 2)
        let gateways = 1 + random.below(3)
        let isOneMachine = random.chance(50)
        let accounts = random.chance(30) ? 2 : 1
        let calm: Int64 = 12_000 + random.between(0, 10_000)
        self.init(
            seed: seed, gateways: (0..<gateways).map { isOneMachine ? 0 : $0 },
            venues: (0..<accounts).map { _ in Self.venue(&random) }, signals: [], faults: [], longOnly: random.chance(30),
            skipsWhenBusy: random.chance(15), dropped: random.pick([0, 0, 20, 80]), doubled: random.pick([0, 0, 30]), delayed: random.pick([0, 0, 30]), calmAt: calm)
        for _ in 0..<(1 + random.below(5)) { signals.append(Self.signal(&random, gateways: gateways, until: calm - 4000)) }
        signals.sort { $0.at < $1.at }
        for _ in 0..<(1 + random.below(6)) { faults.append(Self.fault(&random, gateways: gateways, venues: venues, until: calm)) }
        drift = random.pick([nil, nil, nil, .alert, .adopt, .flatten, .halt])
        // Without a person who trades beside it, a ledger that is right has nothing to find.
        guard drift != nil else { return }
        faults.append(.manualOrder(account: random.below(accounts), at: random.between(0, calm / 2), buys: random.chance(50), symbol: random.below(2)))
    }

    private static func venue(_ random: inout SeededRandom) -> Venue {
        Venue(
            deduplication: random.below(4), lookup: random.pick([0, 1, 2, 2, 2]), expires: random.chance(50), horizon: random.pick([200, 1000, 3000]),
            filling: random.below(5))
    }

    private static func signal(_ random: inout SeededRandom, gateways: Int, until end: Int64) -> Signal {
        let copies = (0..<(1 + random.pick([0, 0, 1, 2]))).map { number in
            Copy(gateway: random.below(gateways), after: number == 0 ? 0 : random.pick([0, 1, 5, 141, 1500]))
        }
        return Signal(
            at: random.between(200, end), buys: random.chance(65), hundredths: 1 + random.below(5), symbol: random.below(2), isLimit: random.chance(30),
            copies: copies, cancelAfter: random.chance(25) ? random.between(5, 3000) : nil)
    }

    private static func trigger(_ random: inout SeededRandom, until end: Int64) -> Trigger {
        switch random.below(10) {
        case 0, 1, 2: .at(random.between(100, end))
        case 3, 4, 5, 6: .write(1 + random.below(10), random.pick(WritePoint.allCases))
        default: .place(1 + random.below(3), random.pick(PlacePoint.allCases))
        }
    }

    private static func fault(_ random: inout SeededRandom, gateways: Int, venues: [Venue], until end: Int64) -> Fault {
        let gateway = random.below(gateways)
        let account = random.below(venues.count)
        let at = random.between(0, end - 1000)
        switch random.below(20) {
        case 0...6: return .place(account: account, number: 1 + random.below(4), placeFault(&random, venues[account]))
        case 7...9: return .crash(gateway: gateway, trigger(&random, until: end), down: random.between(10, 6000))
        case 10...12:
            let trigger = trigger(&random, until: end)
            // Between the last look at the clock and the first byte a pause is assumed to be shorter than the margin. *(A2)*
            if case .place(_, .beforeBytes) = trigger { return .pause(gateway: gateway, trigger, lasting: random.between(300, World.pauseMargin * 9 / 10)) }
            return .pause(gateway: gateway, trigger, lasting: random.between(50, 9000))
        case 13...15:
            let spell = random.pick(Spell.allCases)
            var lasting = random.between(20, 6000)
            // Two negative answers lie five seconds apart, so that a replica that is blind for less does not give both. *(R5)*
            if spell == .lookupsBlind { lasting = min(lasting, 4500) }
            if spell == .storeDown || spell == .storeSlow { lasting = min(lasting, 3000) }
            return .spell(spell, account: account, at: at, lasting: min(lasting, end - at))
        case 16: return .lostCommit(gateway: gateway, number: 1 + random.below(12), isDone: random.chance(60))
        case 17: return .restart(gateway: gateway, at: at, down: random.between(10, 4000))
        case 18: return .clock(gateway: gateway, at: at, by: random.pick([-3_600_000, -3000, -1000, 1000, 3000, 3_600_000]))
        default: return .manualOrder(account: account, at: at, buys: random.chance(50), symbol: random.below(2))
        }
    }

    private static func placeFault(_ random: inout SeededRandom, _ venue: Venue) -> PlaceFault {
        switch random.below(16) {
        case 0: .connectionRefused
        case 1, 2: .lostRequest
        case 3, 4, 5: .lostReply
        case 6, 7, 8: .surfacesLate(random.between(venue.horizon / 3, venue.horizon - 60))
        case 9: .slowReply(random.between(50, 4000))
        case 10: .serverError(accepted: random.chance(60))
        case 11: .unlistedRefusal(accepted: random.chance(60))
        case 12: .unreadable
        case 13: .refused
        case 14: random.chance(50) ? .rejectedLater : .overFill
        default: .fillAfterCancel
        }
    }
}
