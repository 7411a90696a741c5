import StoreContract
import StoreKit
import TradingModel

extension MemoryState {
    func openEpisode(_ account: AccountID, _ symbol: Symbol) -> EpisodeRecord? {
        episodes.last { $0.account == account && $0.symbol == symbol && !$0.state.isTerminal }
    }

    /// Moves the instrument's episode to where the orders and the position, as they are now, put it.
    mutating func settleEpisode(after order: OrderRecord, isPermitted: Bool = false, hasNewFills: Bool = false, at: Timestamp) throws(StoreError) {
        let open = openEpisode(order.account, order.symbol)
        guard open != nil || isPermitted || hasNewFills else { return }
        let scene = EpisodeRules.Scene(
            open: open, held: positions[Pair(order.account, order.symbol)]?.quantity ?? .zero, working: workingOrders(order.account, order.symbol),
            earlier: episodes.count { $0.entryID == order.id }, now: at)
        for episode in EpisodeRules.settle(scene, after: order, isPermitted: isPermitted, hasNewFills: hasNewFills) {
            try write(episode)
            try write(.moved(episode), at: at)
            for step in EpisodeRules.ending(compensations.filter { $0.episode == episode.id }, of: episode, at: at) { try write(step, of: episode, at: at) }
        }
    }

    private mutating func write(_ step: CompensationStep, of episode: EpisodeRecord, at: Timestamp) throws(StoreError) {
        if let index = compensations.firstIndex(where: { $0.id == step.id }) { compensations[index] = step } else { compensations.append(step) }
        try write(.moved(step, of: episode), at: at)
    }

    private mutating func write(_ episode: EpisodeRecord) throws(StoreError) {
        if let index = episodes.firstIndex(where: { $0.id == episode.id }) {
            guard !episodes[index].state.isTerminal || episodes[index] == episode else { throw .refused("episode \(episode.id) has ended") }
            episodes[index] = episode
            return
        }
        guard episode.state.isTerminal || openEpisode(episode.account, episode.symbol) == nil else {
            throw .refused("\(episode.account) has an open episode in \(episode.symbol)")
        }
        episodes.append(episode)
    }

    mutating func tend(
        _ id: EpisodeID, under tenure: Tenure, at: Timestamp, deciding decide: (EpisodeFacts) -> EpisodeWork?
    ) throws(StoreError) -> EpisodeWork? {
        worksUnder = tenure
        try checkCurrent(tenure)
        let facts = try facts(of: id, account: tenure.account, at: at)
        guard let work = decide(facts) else { return nil }
        try EpisodeRules.check(work, on: facts)
        if work.episode != facts.episode { try write(work.episode) }
        for order in work.orders {
            try insert(order)
            try write(.admitted(order, requestedQuantity: order.requestedQuantity.description), at: at)
        }
        for step in work.steps where !facts.steps.contains(step) { try write(step, of: facts.episode, at: at) }
        for alert in work.alerts { try raise(alert, at: at) }
        if work.episode.dust != facts.episode.dust { try settleEpisode(after: facts.entry, at: at) }
        return work
    }

    private func facts(of id: EpisodeID, account: AccountID, at: Timestamp) throws(StoreError) -> EpisodeFacts {
        guard let episode = episodes.first(where: { $0.id == id && $0.account == account && !$0.state.isTerminal }), let entry = order(episode.entryID) else {
            throw .notFound("open episode \(id) of \(account)")
        }
        let last = orders.filter { $0.signalID == entry.signalID && $0.strategy == entry.strategy && $0.account == account }.map(\.leg).max() ?? 0
        return EpisodeFacts(
            now: at, episode: episode, position: positions[Pair(account, episode.symbol)],
            open: orders.filter { !$0.state.isTerminal && $0.account == account && $0.symbol == episode.symbol },
            own: orders.filter { $0.signalID == entry.signalID && $0.intent?.episode == id }, steps: compensations.filter { $0.episode == id }, entry: entry,
            nextLeg: last + 1)
    }

    mutating func takeBack(
        _ execution: ExecutionID, of id: OrderID, under tenure: Tenure, at: Timestamp, correcting correct: (FillHistory) -> FillCorrection
    ) throws(StoreError) -> PositionRecord {
        worksUnder = tenure
        try checkCurrent(tenure)
        guard let order = order(id), order.account == tenure.account, let fill = fills[id]?.first(where: { $0.executionID == execution }) else {
            throw .notFound("fill \(execution) of order \(id)")
        }
        guard busts.insert(Pair(order.account, execution)).inserted else { throw .refused("fill \(execution) was taken back before") }
        let standing = allFills.filter {
            $0.account == order.account && $0.fill.symbol == order.symbol && ($0.fill.executionID == execution || !busts.contains(Pair(order.account, $0.fill.executionID)))
        }.map(\.fill)
        let correction = correct(FillHistory(order: order, fill: fill, position: positions[Pair(order.account, order.symbol)], fills: standing))
        guard correction.position.account == order.account, correction.position.symbol == order.symbol else {
            throw .refused("the position is of another instrument")
        }
        positions[Pair(order.account, order.symbol)] = correction.position
        for draft in correction.journal { try write(draft, at: at) }
        for alert in correction.alerts { try raise(alert, at: at) }
        try settleEpisode(after: order, hasNewFills: true, at: at)
        return correction.position
    }
}
