import CEpoll
import Dispatch
import Synchronization

/// What a socket is watched for.
struct SocketInterest: OptionSet, Sendable {
    let rawValue: UInt8
    static let reading = SocketInterest(rawValue: 1)
    static let writing = SocketInterest(rawValue: 2)
}

/// Tells when sockets can be read or written: one epoll for the process, whose thread lives as long as the process.
///
/// Not Dispatch's own sources. On Linux their table of watched descriptors is damaged when sources for sockets come and go, as they do
/// when a server is away and connections are tried again and again, and the process ends with a bad pointer. Source:
/// swift-corelibs-libdispatch, issue 949, open with Swift 6.3.
///
/// What is told carries a number that is never given twice, so a descriptor that was closed and given to somebody else is never confused
/// with its former holder.
final class SocketWatcher: Sendable {
    static let shared = SocketWatcher()

    /// One watched socket. It tells once each time it is armed.
    struct Watch: Sendable {
        fileprivate let id: UInt64
        fileprivate let descriptor: CInt
        fileprivate let poller: CInt
    }

    private struct Listener {
        let queue: DispatchQueue
        let tell: @Sendable (SocketInterest) -> Void
    }
    private struct State {
        var poller: CInt?
        var listeners: [UInt64: Listener] = [:]
        var lastID: UInt64 = 0
    }
    private let state = Mutex(State())

    private init() {}

    /// Watches an open socket. `tell` runs on `queue`, once each time the watch is armed, with what the socket is ready for; an error or an
    /// end of the connection counts as ready for everything.
    ///
    /// - Returns: Nil if the system has no descriptor or no memory left for it.
    func watch(
        _ descriptor: CInt, for interest: SocketInterest, on queue: DispatchQueue, tell: @escaping @Sendable (SocketInterest) -> Void
    ) -> Watch? {
        state.withLock { state -> Watch? in
            guard let poller = state.poller ?? start(&state) else { return nil }
            state.lastID += 1
            let watch = Watch(id: state.lastID, descriptor: descriptor, poller: poller)
            guard Self.control(EPOLL_CTL_ADD, watch, interest) else { return nil }
            state.listeners[watch.id] = Listener(queue: queue, tell: tell)
            return watch
        }
    }

    /// Lets it tell once more. What it had not told yet may be told as well.
    func arm(_ watch: Watch, for interest: SocketInterest) { _ = Self.control(EPOLL_CTL_MOD, watch, interest) }

    /// Ends the watch; to be called before its descriptor is closed. What is under way to the queue is still told.
    func end(_ watch: Watch) {
        state.withLock { _ = $0.listeners.removeValue(forKey: watch.id) }
        _ = Self.control(EPOLL_CTL_DEL, watch, [])
    }

    private static func control(_ operation: CInt, _ watch: Watch, _ interest: SocketInterest) -> Bool {
        var event = epoll_event()
        event.events = EPOLLONESHOT.rawValue
        if interest.contains(.reading) { event.events |= EPOLLIN.rawValue }
        if interest.contains(.writing) { event.events |= EPOLLOUT.rawValue }
        event.data.u64 = watch.id
        return epoll_ctl(watch.poller, operation, watch.descriptor, &event) == 0
    }

    private func start(_ state: inout State) -> CInt? {
        let poller = epoll_create1(CInt(EPOLL_CLOEXEC))
        guard poller >= 0 else { return nil }
        state.poller = poller
        DispatchQueue(label: "turnstile.postgres.sockets").async { self.run(poller) }
        return poller
    }

    private func run(_ poller: CInt) -> Never {
        var events = [epoll_event](repeating: epoll_event(), count: 64)
        while true {
            let count = epoll_wait(poller, &events, CInt(events.count), -1)
            for event in events.prefix(Int(max(0, count))) {
                let listener = state.withLock { $0.listeners[event.data.u64] }
                var ready: SocketInterest = []
                if event.events & ~EPOLLOUT.rawValue != 0 { ready.insert(.reading) }
                if event.events & ~EPOLLIN.rawValue != 0 { ready.insert(.writing) }
                if let listener { listener.queue.async { [ready] in listener.tell(ready) } }
            }
        }
    }
}
