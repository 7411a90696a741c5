import Foundation
import TradingModel

/// Runs all tasks of one simulation on the calling thread: which of those that are ready runs next is drawn from the seed, and time
/// passes only when none is.
///
/// Unchecked, because everything in it is touched by the one thread that calls ``run(until:)`` alone; a task that left this executor
/// would enqueue from another thread, and that is noticed and fails the run.
final class Scheduler: @unchecked Sendable {
    /// Something due at a time. Cancelled by taking its action away.
    final class Timer {
        let at: Int64
        let order: UInt64
        var action: (() -> Void)?
        init(at: Int64, order: UInt64, action: @escaping () -> Void) {
            self.at = at
            self.order = order
            self.action = action
        }
        static func isBefore(_ a: Timer, _ b: Timer) -> Bool { a.at == b.at ? a.order < b.order : a.at < b.at }
    }

    /// Microseconds since the beginning.
    private(set) var now: Int64 = 0
    private(set) var steps = 0
    /// Over everything that happened and in which order.
    private(set) var trace: UInt64 = 0xCBF2_9CE4_8422_2325
    private var random: SeededRandom
    private var ready: [(job: UnownedJob, process: SimulatedProcess)] = []
    private var heap: [Timer] = []
    private let thread = pthread_self()
    /// Jobs came from another thread: the run proves nothing.
    private(set) var isBroken = false
    /// Told of each step in words; nil costs nothing.
    var log: ((String) -> Void)?

    init(seed: UInt64) { random = SeededRandom(seed: seed, stream: 1) }

    // MARK: What is to be done

    func enqueue(_ job: UnownedJob, of process: SimulatedProcess) {
        if pthread_equal(pthread_self(), thread) == 0 { leftThread() }
        if process.isPaused { process.held.append(job) } else { ready.append((job, process)) }
    }

    @inline(never) private func leftThread() { isBroken = true }

    func release(_ process: SimulatedProcess) {
        for job in process.held { ready.append((job, process)) }
        process.held = []
    }

    /// What was ready waits too, when its process stands still.
    func hold(_ process: SimulatedProcess) {
        process.held += ready.filter { $0.process === process }.map(\.job)
        ready.removeAll { $0.process === process }
    }

    @discardableResult
    func after(_ delay: Int64, _ action: @escaping () -> Void) -> Timer {
        // Of what is due at the same time the seed decides which comes first.
        let timer = Timer(at: now + max(delay, 0), order: random.next(), action: action)
        push(timer)
        return timer
    }

    // MARK: Running

    /// Runs until `isDone`, or until nothing is left to do; false then. Asked after each moment at which nothing is ready.
    func run(until isDone: () -> Bool) -> Bool {
        while true {
            if !ready.isEmpty {
                step()
                continue
            }
            if isDone() || isBroken { return !isBroken }
            guard let timer = pop() else { return false }
            guard let action = timer.action else { continue }
            timer.action = nil
            now = max(now, timer.at)
            mix(UInt64(bitPattern: now))
            action()
        }
    }

    /// Drops what is not yet due: its actions hold the world that holds this.
    func end() { heap = [] }

    private func step() {
        let index = random.below(ready.count)
        let (job, process) = ready[index]
        ready[index] = ready[ready.count - 1]
        ready.removeLast()
        steps += 1
        mix(UInt64(truncatingIfNeeded: process.number) &+ 0x51)
        job.runSynchronously(on: process.asUnownedTaskExecutor())
    }

    // MARK: Trace

    func mix(_ value: UInt64) { trace = (trace ^ value) &* 0x0000_0100_0000_01B3 ^ (trace >> 29) }

    /// Puts an event into the trace.
    func note(_ text: @autoclosure () -> String) {
        let text = text()
        for byte in text.utf8 { mix(UInt64(byte)) }
        log?(text)
    }

    // MARK: Heap

    private func push(_ timer: Timer) {
        heap.append(timer)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Timer.isBefore(heap[child], heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private func pop() -> Timer? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && Timer.isBefore(heap[child], heap[least]) { least = child }
            guard least != parent else { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
