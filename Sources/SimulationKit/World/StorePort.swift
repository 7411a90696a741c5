import StoreContract

/// One process' way to the database: works take time, arrive or not, and their answers come back or not.
struct StorePort: StoreTransport {
    let process: SimulatedProcess
    unowned let world: World

    /// Writes at which something may happen to the process.
    private static let points: Set<String> = ["admit", "openTenure", "permit", "update"]

    func carry<T: Sendable>(_ name: String, isWrite: Bool, _ work: @escaping @Sendable () -> Result<T, StoreError>) async -> Result<T, StoreError> {
        let (process, world) = (process, world)
        let dead = Result<T, StoreError>.failure(.unavailable("no answer"))
        guard !process.isDead else { return dead }
        let number = isWrite && Self.points.contains(name) ? world.countWrite(process) : nil
        if let number, world.reached(.write(number, .before), process) { await rest() }
        let isSlow = world.spells.contains(.storeSlow)
        let lost = number.flatMap { world.lostCommit($0, process) }
        if world.plants.contains(.acknowledgedEarly), name == "admit", let early = AdmissionResult.admitted as? T {
            process.scheduler.after(30_000) { if !process.isDead, !world.spells.contains(.storeDown), lost != false { _ = work() } }
            return .success(early)
        }
        let exchange = process.begin(out: world.storeDelay(isSlow), back: world.storeDelay(isSlow)) { () -> Result<T, StoreError>? in
            guard !world.spells.contains(.storeDown), lost != false else { return nil }
            process.scheduler.note("\(process.number) \(name)")
            return work()
        }
        if let number, world.reached(.write(number, .asked), process) { await rest() }
        let result = await exchange.result()
        if let number, world.reached(.write(number, .done), process) { await rest() }
        guard !process.isDead, lost == nil, let result else { return dead }
        return result
    }

    private func rest() async { _ = await process.ask(out: 0, back: 0) { true } }
}
