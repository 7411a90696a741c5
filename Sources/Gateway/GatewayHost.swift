import LockContract
import ServiceLifecycle

/// What a gateway asks of the process and the machine in which it runs, beside the time. Passed in, so that a simulation can be the machine.
public protocol GatewayHost: Sendable {
    /// Names this process.
    func holder(gateway: String, purpose: String) -> HolderIdentity
    /// As ``HolderIdentity/isOfThisBoot``.
    func isOfThisBoot(_ holder: HolderIdentity) -> Bool
    /// As ``ProcessLiveness/isProvenDead(_:)``.
    func isProvenDead(_ holder: HolderIdentity) -> Bool
    /// As ``ProcessLiveness/isProvenAlive(_:)``.
    func isProvenAlive(_ holder: HolderIdentity) -> Bool
    /// 64 random bits that nobody can guess and no process gets twice.
    func randomBits() -> UInt64
    /// Returns when the process is asked to stop in good order, or the task is cancelled.
    func waitForStop() async
}

/// The real process on the real machine.
public struct SystemHost: GatewayHost {
    private let bits = RandomBits()

    public init() {}

    public func holder(gateway: String, purpose: String) -> HolderIdentity { .current(gateway: gateway, purpose: purpose) }
    public func isOfThisBoot(_ holder: HolderIdentity) -> Bool { holder.isOfThisBoot }
    public func isProvenDead(_ holder: HolderIdentity) -> Bool { ProcessLiveness.isProvenDead(holder) }
    public func isProvenAlive(_ holder: HolderIdentity) -> Bool { ProcessLiveness.isProvenAlive(holder) }
    public func randomBits() -> UInt64 { bits.next() }
    public func waitForStop() async { do { try await gracefulShutdown() } catch {} }
}

/// A host's random numbers in the form that the standard library takes.
struct HostRandom: RandomNumberGenerator {
    let host: any GatewayHost
    func next() -> UInt64 { host.randomBits() }
}

extension GatewayHost {
    func newOwner() -> OwnerToken {
        var random = HostRandom(host: self)
        return OwnerToken.random(using: &random)
    }

    /// A part of a pause, so that those who try at the same time do not meet again.
    func part(_ range: ClosedRange<Double>, of pause: Duration) -> Duration {
        var random = HostRandom(host: self)
        return pause * Double.random(in: range, using: &random)
    }
}
