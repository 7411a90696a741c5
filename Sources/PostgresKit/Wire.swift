import CLibpq
import Dispatch

#if canImport(Glibc)
    import Glibc
#endif

/// libpq's handle and the watch that tells when its socket can be read or written.
///
/// `@unchecked Sendable`: touched on `queue` only. The methods check it; `handle` is read by the connection's actor, whose executor is
/// the same queue.
final class Wire: @unchecked Sendable {
    let queue: DispatchQueue
    private(set) var handle: OpaquePointer?
    private var watch: SocketWatcher.Watch?
    private var step: Step?
    private var isWriting = false
    /// Ours, of the same socket as libpq's.
    private var descriptor: CInt?

    init(queue: DispatchQueue) { self.queue = queue }

    func adopt(_ handle: OpaquePointer) {
        dispatchPrecondition(condition: .onQueue(queue))
        self.handle = handle
    }

    /// Watches the socket of the connected handle; for writing only while that is asked for. False if the process has no descriptor left
    /// for it.
    func start(readable: @escaping @Sendable () -> Void, writable: @escaping @Sendable () -> Void) -> Bool {
        dispatchPrecondition(condition: .onQueue(queue))
        guard let handle, watch == nil else { return false }
        // libpq closes its socket by itself when it finds the connection broken, also while it sends. We would then watch a number that
        // nobody or somebody else has, and hear nothing; our own number for the same socket still tells of its end.
        let descriptor = fcntl(PQsocket(handle), F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else { return false }
        watch = SocketWatcher.shared.watch(descriptor, for: .reading, on: queue) { [weak self] ready in
            guard let self else { return }
            if ready.contains(.writing), self.isWriting { writable() }
            if ready.contains(.reading) { readable() }
            self.arm()
        }
        guard watch != nil else {
            _ = Glibc.close(descriptor)
            return false
        }
        self.descriptor = descriptor
        return true
    }

    /// Whether to tell when the socket can take more.
    func watchWriting(_ wanted: Bool) {
        dispatchPrecondition(condition: .onQueue(queue))
        guard wanted != isWriting else { return }
        isWriting = wanted
        arm()
    }

    private func arm() {
        guard let watch else { return }
        SocketWatcher.shared.arm(watch, for: isWriting ? [.reading, .writing] : .reading)
    }

    /// Waits once, while connecting, when libpq may change the socket from step to step. False if `deadline` came first, or if the
    /// connection was closed meanwhile.
    func ready(toWrite: Bool, until deadline: DispatchTime, _ done: @escaping @Sendable (Bool) -> Void) {
        dispatchPrecondition(condition: .onQueue(queue))
        guard let handle, PQsocket(handle) >= 0, watch == nil else { return done(false) }
        let step = Step(done)
        let watch = SocketWatcher.shared.watch(PQsocket(handle), for: toWrite ? .writing : .reading, on: queue) { [weak self] _ in
            self?.finish(step, isReady: true)
        }
        guard let watch else { return done(false) }
        self.watch = watch
        self.step = step
        queue.asyncAfter(deadline: deadline) { [weak self] in self?.finish(step, isReady: false) }
    }

    private func finish(_ step: Step, isReady: Bool) {
        guard self.step === step else { return }
        stopWatching()
        step.done(isReady)
    }

    /// Before libpq closes the socket or its number is given to somebody else.
    private func stopWatching() {
        if let watch { SocketWatcher.shared.end(watch) }
        watch = nil
        step = nil
    }

    /// Ends the connection. A repeat does nothing.
    func close() {
        dispatchPrecondition(condition: .onQueue(queue))
        guard let handle else { return }
        self.handle = nil
        let step = step
        stopWatching()
        PQfinish(handle)
        if let descriptor { _ = Glibc.close(descriptor) }
        descriptor = nil
        step?.done(false)
    }

    /// The same from any thread.
    func closeFromAnywhere() { queue.async { self.close() } }
}

/// One wait while connecting.
private final class Step: Sendable {
    let done: @Sendable (Bool) -> Void
    init(_ done: @escaping @Sendable (Bool) -> Void) { self.done = done }
}
