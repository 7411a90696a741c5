import StoreContract
import TradingModel

/// How permits, orders and fills move an episode, the same in every store. Pure.
public enum EpisodeRules {
    /// What one transaction left of an instrument at an account.
    public struct Scene: Sendable {
        /// The open episode as it was.
        public var open: EpisodeRecord?
        public var held: Quantity
        /// Every open order that has had a permit, the changed ones as they are now.
        public var working: [WorkingOrder]
        /// Episodes that the changed order has opened before.
        public var earlier: Int
        public var now: Timestamp
        public init(open: EpisodeRecord?, held: Quantity, working: [WorkingOrder], earlier: Int, now: Timestamp) {
            self.open = open
            self.held = held
            self.working = working
            self.earlier = earlier
            self.now = now
        }
    }

    /// Episodes to be written, in this order: what ends first, so that at most one is open at any moment.
    ///
    /// - Parameters:
    ///   - order: The order that was permitted, ended or changed, as it is now. Of a bracket: the entry or leg that the change is about.
    ///   - isPermitted: It has just got a permit.
    ///   - hasNewFills: The change brought fills.
    public static func settle(_ scene: Scene, after order: OrderRecord, isPermitted: Bool, hasNewFills: Bool) -> [EpisodeRecord] {
        guard var episode = scene.open else {
            guard isPermitted && !order.isProtective || hasNewFills && !scene.held.isZero else { return [] }
            return [moved(opened(by: order, scene), scene, after: order)]
        }
        let held = held(scene, on: episode.side)
        let hasOthers = scene.working.contains { !$0.isLeg && $0.id != order.id }
        if isPermitted, !order.isProtective, episode.hasTraded, held >= 0, held <= episode.dust, !hasOthers {
            // Flat, and only a leg or stop of the old position is left to end: what is permitted now is another time in the market.
            return [ended(episode, .closed, at: scene.now), moved(opened(by: order, scene), scene, after: order)]
        }
        if held < 0 {
            episode.hasTraded = true
            return [ended(episode, .closed, at: scene.now), moved(opened(by: order, scene), scene, after: order)]
        }
        if isPermitted, order.side == episode.side, let stop = order.intent?.stopLoss, let protection = order.policy.protection {
            // What is added brings its stop for the whole of it.
            episode.stopLoss = stop
            episode.protection = protection
        }
        let next = moved(episode, scene, after: order)
        return next == scene.open ? [] : [next]
    }

    /// Positive on the episode's side.
    private static func held(_ scene: Scene, on side: Side) -> Quantity { side == .buy ? scene.held : -scene.held }

    private static func opened(by order: OrderRecord, _ scene: Scene) -> EpisodeRecord {
        let isManaged = order.intent?.stopLoss != nil && order.policy.protection != nil
        return EpisodeRecord(
            id: EpisodeID(scene.earlier == 0 ? order.id.rawValue : "\(order.id.rawValue).\(scene.earlier + 1)"), account: order.account,
            symbol: order.symbol, side: scene.held.isZero ? order.side : scene.held > 0 ? .buy : .sell, state: .pendingEntry, entryID: order.id,
            signalID: order.signalID, strategy: order.strategy, stopLoss: isManaged ? order.intent?.stopLoss : nil,
            protection: isManaged ? order.policy.protection : nil, openedAt: scene.now, updatedAt: scene.now)
    }

    /// What the end of an episode ends with it: nothing is held any more, so there is nothing left to do. Only the steps that change.
    public static func ending(_ steps: [CompensationStep], of episode: EpisodeRecord, at now: Timestamp) -> [CompensationStep] {
        guard episode.state.isTerminal else { return [] }
        return steps.filter { !$0.state.isTerminal }.map { step in
            var step = step
            step.state = .done
            step.detail = "the position is over"
            step.updatedAt = now
            return step
        }
    }

    private static func ended(_ episode: EpisodeRecord, _ state: EpisodeState, at now: Timestamp) -> EpisodeRecord {
        var episode = episode
        episode.state = state
        episode.unprotectedSince = nil
        episode.updatedAt = now
        episode.endedAt = now
        return episode
    }

    private static func moved(_ before: EpisodeRecord, _ scene: Scene, after order: OrderRecord) -> EpisodeRecord {
        var episode = before
        let held = held(scene, on: episode.side)
        let isHeld = held > episode.dust
        if isHeld { episode.hasTraded = true }
        let entries = scene.working.filter { !$0.isLeg && $0.side == episode.side && !$0.onlyReduces }
        let exits = scene.working.filter { !$0.isLeg && ($0.side != episode.side || $0.onlyReduces) }
        let stops = scene.working.filter { $0.isStop && $0.side != episode.side }
        let isProtected = episode.protection == nil ? isFollowed(stops) : isCovered(held, episode, stops)
        if isHeld, !isProtected {
            episode.unprotectedSince = episode.unprotectedSince ?? scene.now
        } else {
            episode.unprotectedSince = nil
        }
        if isHeld {
            episode.state = !exits.isEmpty ? .closing : isProtected ? .active : .pendingStop
        } else if !entries.isEmpty {
            episode.state = episode.hasTraded && !exits.isEmpty ? .closing : entries.allSatisfy(\.isUnsettled) ? .pendingEntry : .entryPlaced
        } else if exits.isEmpty, !scene.working.contains(where: { $0.isLeg && belongs($0, to: episode) }) {
            return ended(episode, episode.hasTraded && !episode.isRollingBack ? .closed : .rolledBack, at: scene.now)
        } else {
            episode.state = .closing
        }
        if episode != before { episode.updatedAt = scene.now }
        return episode
    }

    /// Whether no stop that came with an entry is still waiting to be seen at the venue.
    private static func isFollowed(_ stops: [WorkingOrder]) -> Bool { !stops.contains { $0.episode == nil && $0.isUnsettled && $0.state != .cancelPending } }

    /// Whether stops that the venue has confirmed would sell all that can be sold.
    private static func isCovered(_ held: Quantity, _ episode: EpisodeRecord, _ stops: [WorkingOrder]) -> Bool {
        let covered = stops.filter { $0.episode == episode.id && !$0.isUnsettled }.reduce(Quantity.zero) { $0 + $1.unfilled }
        return covered + episode.dust >= held
    }

    private static func belongs(_ leg: WorkingOrder, to episode: EpisodeRecord) -> Bool { leg.episode == nil || leg.episode == episode.id }

    // MARK: Work of the gateway's own

    /// Throws if the work is not the episode's.
    public static func check(_ work: EpisodeWork, on facts: EpisodeFacts) throws(StoreError) {
        var same = work.episode
        same.dust = facts.episode.dust
        same.isRollingBack = facts.episode.isRollingBack
        same.ownOrders = facts.episode.ownOrders
        guard same == facts.episode else { throw .refused("of episode \(facts.episode.id) only its dust, its orders and its rolling back change") }
        guard work.episode.ownOrders == facts.episode.ownOrders + work.orders.count else {
            throw .refused("episode \(facts.episode.id) has another number of orders")
        }
        for order in work.orders {
            guard order.account == facts.episode.account, order.symbol == facts.episode.symbol, order.signalID == facts.entry.signalID,
                order.intent?.episode == facts.episode.id, order.purpose != .signal, order.bracket == nil, order.bracketRole == nil, order.reduceOnly
            else { throw .refused("order \(order.id) is not the gateway's own for episode \(facts.episode.id)") }
            guard order.state == .queued, order.attempts == 0, order.version == 1, order.filledQuantity.isZero else {
                throw .refused("order \(order.id) is not new")
            }
        }
        for step in work.steps {
            guard step.episode == facts.episode.id, step.account == facts.episode.account, step.symbol == facts.episode.symbol else {
                throw .refused("step \(step.id) is not of episode \(facts.episode.id)")
            }
            if let known = facts.steps.first(where: { $0.id == step.id }) {
                guard known.kind == step.kind, !known.state.isTerminal || known == step else { throw .refused("step \(step.id) has ended \(known.state.rawValue)") }
            }
        }
    }
}

extension JournalDraft {
    /// `position.<state>` of an episode.
    public static func moved(_ episode: EpisodeRecord) -> JournalDraft {
        var data = JournalData()
        data.add("episode", episode.id.rawValue)
        data.add("symbol", episode.symbol.rawValue)
        data.add("side", episode.side.rawValue)
        data.add("state", episode.state.rawValue)
        data.add("entry_id", episode.entryID.rawValue)
        data.add("strategy", episode.strategy.rawValue)
        data.add("stop_loss", episode.stopLoss?.description)
        data.add("unprotected_since", episode.unprotectedSince?.description)
        return JournalDraft(
            type: "position.\(episode.state.rawValue)", signalID: episode.signalID, orderID: episode.entryID, account: episode.account, data: data.json())
    }

    /// `compensation.<state>` of a step.
    public static func moved(_ step: CompensationStep, of episode: EpisodeRecord) -> JournalDraft {
        var data = JournalData()
        data.add("step", step.id)
        data.add("episode", step.episode.rawValue)
        data.add("kind", step.kind.rawValue)
        data.add("state", step.state.rawValue)
        data.add("attempts", Int64(step.attempts))
        data.add("order_id", step.orderID?.rawValue)
        data.add("detail", step.detail)
        return JournalDraft(
            type: "compensation.\(step.state.rawValue)", signalID: episode.signalID, orderID: episode.entryID, account: episode.account, data: data.json())
    }
}
