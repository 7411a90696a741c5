import Gateway
import LockContract
import Synchronization

/// The machine under one gateway. Those on one machine share its boot and see each other's processes.
final class SimulatedHost: GatewayHost, @unchecked Sendable {
    private let process: SimulatedProcess
    private let machine: Int
    private unowned let world: World
    // Touched by the simulation's thread alone, as all of it.
    private var random: SeededRandom

    init(_ process: SimulatedProcess, machine: Int, world: World) {
        self.process = process
        self.machine = machine
        self.world = world
        random = SeededRandom(seed: world.plan.seed, stream: 1000 + UInt64(process.number))
    }

    func holder(gateway: String, purpose: String) -> HolderIdentity {
        HolderIdentity(
            gateway: gateway, host: "host\(machine)", processID: Int32(process.number), processStart: UInt64(process.number), bootID: "boot\(machine)", purpose: purpose)
    }

    func isOfThisBoot(_ holder: HolderIdentity) -> Bool { holder.bootID == "boot\(machine)" }

    func isProvenDead(_ holder: HolderIdentity) -> Bool {
        guard isOfThisBoot(holder), let process = world.processes.first(where: { $0.number == Int(holder.processID) }) else { return false }
        return process.isDead || (process.isPaused && world.plants.contains(.pausedCalledDead))
    }

    func isProvenAlive(_ holder: HolderIdentity) -> Bool {
        isOfThisBoot(holder) && world.processes.first { $0.number == Int(holder.processID) }?.isDead == false
    }

    func randomBits() -> UInt64 { random.next() }

    /// Stops come as cancellations here. Not the lifecycle's own wait: it leaves the simulation's executor when it is cancelled.
    func waitForStop() async { try? await SimulatedClock(process: process).sleep(for: .seconds(1_000_000)) }
}
