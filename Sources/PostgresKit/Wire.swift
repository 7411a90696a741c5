import CLibpq
import Dispatch

#if canImport(Glibc)
    import Glibc
#endif

/// libpq's handle and the sources that tell when its socket can be read or written.
///
/// `@unchecked Sendable`: touched on `queue` only. The methods check it; `handle` is read by the connection's actor, whose executor is
/// the same queue.
final class Wire: @unchecked Sendable {
    let queue: DispatchQueue
    private(set) var handle: OpaquePointer?
    private var reading: (any DispatchSourceRead)?
    private var writing: (any DispatchSourceWrite)?
    private var isWriting = false
    /// Ours, of the same socket as libpq's.
    private var descriptor: CInt?

    init(queue: DispatchQueue) { self.queue = queue }

    func adopt(_ handle: OpaquePointer) {
        dispatchPrecondition(condition: .onQueue(queue))
        self.handle = handle
    }

    /// Watches the socket of the connected handle. The write source sleeps until it is asked for. False if the process has no
    /// descriptor left for it.
    func start(readable: @escaping @Sendable () -> Void, writable: @escaping @Sendable () -> Void) -> Bool {
        dispatchPrecondition(condition: .onQueue(queue))
        guard let handle, reading == nil else { return false }
        // libpq closes its socket by itself when it finds the connection broken, also while it sends. A source would then watch a number
        // that nobody or somebody else has, and stay silent; our own number for the same socket still tells of its end.
        let descriptor = fcntl(PQsocket(handle), F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else { return false }
        self.descriptor = descriptor
        let reading = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        reading.setEventHandler(handler: readable)
        let writing = DispatchSource.makeWriteSource(fileDescriptor: descriptor, queue: queue)
        writing.setEventHandler(handler: writable)
        self.reading = reading
        self.writing = writing
        reading.resume()
        return true
    }

    /// Whether to tell when the socket can take more.
    func watchWriting(_ wanted: Bool) {
        dispatchPrecondition(condition: .onQueue(queue))
        guard wanted != isWriting, let writing else { return }
        isWriting = wanted
        if wanted { writing.resume() } else { writing.suspend() }
    }

    /// Waits once, while connecting, when libpq may change the socket from step to step. False if `deadline` came first.
    func ready(toWrite: Bool, until deadline: DispatchTime, _ done: @escaping @Sendable (Bool) -> Void) {
        dispatchPrecondition(condition: .onQueue(queue))
        guard let handle, PQsocket(handle) >= 0 else { return done(false) }
        let outcome = Outcome()
        let source: any DispatchSourceProtocol =
            toWrite
            ? DispatchSource.makeWriteSource(fileDescriptor: PQsocket(handle), queue: queue)
            : DispatchSource.makeReadSource(fileDescriptor: PQsocket(handle), queue: queue)
        let held = HeldSource(source)
        let alarm = DispatchWorkItem { held.cancel() }
        let heldAlarm = HeldAlarm(alarm)
        source.setEventHandler(handler: { @Sendable in
            outcome.isReady = true
            held.cancel()
        })
        // Only then has the source let go of the socket, which libpq may close in its next step.
        source.setCancelHandler(handler: { @Sendable in
            heldAlarm.cancel()
            done(outcome.isReady)
        })
        source.resume()
        queue.asyncAfter(deadline: deadline, execute: alarm)
    }

    /// Ends the connection; the socket is closed when both sources have let go of it.
    func close() {
        dispatchPrecondition(condition: .onQueue(queue))
        guard let handle else { return }
        self.handle = nil
        let held = HeldHandle(handle)
        let group = DispatchGroup()
        if let reading, let writing {
            group.enter()
            group.enter()
            reading.setCancelHandler(handler: { @Sendable in group.leave() })
            writing.setCancelHandler(handler: { @Sendable in group.leave() })
            reading.cancel()
            writing.cancel()
            // A suspended source never runs its cancel handler, and releasing one ends the process.
            if !isWriting { writing.resume() }
        }
        reading = nil
        writing = nil
        let descriptor = descriptor
        self.descriptor = nil
        group.notify(queue: queue) {
            held.finish()
            if let descriptor { _ = Glibc.close(descriptor) }
        }
    }

    /// The same from any thread.
    func closeFromAnywhere() { queue.async { self.close() } }
}

// The four below are touched on the wire's queue only.

private final class Outcome: @unchecked Sendable {
    var isReady = false
}

private final class HeldSource: @unchecked Sendable {
    private let source: any DispatchSourceProtocol
    init(_ source: any DispatchSourceProtocol) { self.source = source }
    func cancel() { source.cancel() }
}

private final class HeldAlarm: @unchecked Sendable {
    private let alarm: DispatchWorkItem
    init(_ alarm: DispatchWorkItem) { self.alarm = alarm }
    func cancel() { alarm.cancel() }
}

private final class HeldHandle: @unchecked Sendable {
    private let handle: OpaquePointer
    init(_ handle: OpaquePointer) { self.handle = handle }
    func finish() { PQfinish(handle) }
}
