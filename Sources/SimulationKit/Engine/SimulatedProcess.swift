import TradingModel

/// One process of the simulation: its tasks run on it, and it can stand still or die.
///
/// Death is seen from outside: what the process had asked for and not got is never answered, its sleeps end, whatever it still tries
/// does nothing, and its tasks are cancelled. They then run out without effect, which leaves nothing behind, unlike tasks that are thrown away.
///
/// Unchecked for the same reason as ``Scheduler``.
final class SimulatedProcess: TaskExecutor, @unchecked Sendable {
    let number: Int
    let scheduler: Scheduler
    private(set) var isPaused = false
    private(set) var isDead = false
    var held: [UnownedJob] = []
    /// What waits for an answer or for a time, and what it gets if the process dies.
    private var waiting: [Int: () -> Void] = [:]
    private var nextWait = 0
    /// Its wall clock's error, in microseconds.
    var wallError: Int64 = 0
    /// Since the boot of its machine until the beginning of the simulation.
    let bootOffset: Int64
    private var onDeath: [() -> Void] = []
    /// When each placement whose bytes have not left yet looked at the clock for the last time.
    var lastLooks: [Int64] = []

    init(number: Int, scheduler: Scheduler, bootOffset: Int64) {
        self.number = number
        self.scheduler = scheduler
        self.bootOffset = bootOffset
    }

    func enqueue(_ job: consuming ExecutorJob) { scheduler.enqueue(UnownedJob(job), of: self) }

    func pause() {
        guard !isPaused, !isDead else { return }
        isPaused = true
        scheduler.hold(self)
    }

    func resume() {
        guard isPaused else { return }
        isPaused = false
        scheduler.release(self)
    }

    func die() {
        guard !isDead else { return }
        isDead = true
        let all = waiting.sorted { $0.key < $1.key }.map(\.value)
        waiting = [:]
        for end in all { end() }
        for action in onDeath { action() }
        onDeath = []
        // Also the tasks of one that stood still have to run out.
        isPaused = false
        scheduler.release(self)
    }

    func whenDead(_ action: @escaping () -> Void) { onDeath.append(action) }

    /// Registers somebody who waits; the number takes him out again.
    func wait(ending end: @escaping () -> Void) -> Int {
        nextWait += 1
        waiting[nextWait] = end
        return nextWait
    }

    /// False if he waits no more.
    func endWait(_ number: Int) -> Bool { waiting.removeValue(forKey: number) != nil }

    /// Asks something outside the process: `work` happens there after `out`, whether or not the process lives then, and its result is back
    /// after `back` more.
    func begin<T: Sendable>(out: Int64, back: Int64, _ work: @escaping @Sendable () -> T?) -> Exchange<T> {
        let exchange = Exchange<T>()
        guard !isDead else {
            exchange.end(with: nil)
            return exchange
        }
        let number = wait { exchange.end(with: nil) }
        scheduler.after(out) { [self] in
            let result = work()
            scheduler.after(back) { [self] in if endWait(number) { exchange.end(with: result) } }
        }
        return exchange
    }

    /// The same, and waits. Nil when the process is dead, or dies before the answer.
    func ask<T: Sendable>(out: Int64, back: Int64, _ work: @escaping @Sendable () -> T?) async -> T? { await begin(out: out, back: back, work).result() }
}

/// A question that is under way. Unchecked for the same reason as ``Scheduler``.
final class Exchange<T: Sendable>: @unchecked Sendable {
    private var answer: T??
    private var continuation: CheckedContinuation<T?, Never>?

    func end(with answer: T?) {
        self.answer = .some(answer)
        continuation?.resume(returning: answer)
        continuation = nil
    }

    func result() async -> T? {
        if let answer { return answer }
        return await withCheckedContinuation { continuation = $0 }
    }
}

/// The clocks of one process.
struct SimulatedClock: TradingClock {
    static let start = Timestamp(microseconds: 1_767_225_600_000_000)
    let process: SimulatedProcess

    var wallTime: Timestamp { Timestamp(microseconds: Self.start.microseconds + process.scheduler.now + process.wallError) }
    var monotonic: MonotonicInstant { MonotonicInstant(sinceBoot: .microseconds(process.bootOffset + process.scheduler.now)) }

    func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        guard !process.isDead else { throw CancellationError() }
        let sleeper = Sleeper()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                sleeper.begin(continuation, for: duration, process)
            }
        } onCancel: {
            sleeper.cancel()
        }
    }
}

/// One sleep. Unchecked for the same reason as ``Scheduler``.
private final class Sleeper: @unchecked Sendable {
    private var continuation: CheckedContinuation<Void, any Error>?
    private var timer: Scheduler.Timer?
    private var wait: (process: SimulatedProcess, number: Int)?
    private var isCancelled = false

    func begin(_ continuation: CheckedContinuation<Void, any Error>, for duration: Duration, _ process: SimulatedProcess) {
        guard !isCancelled, !process.isDead else { return continuation.resume(throwing: CancellationError()) }
        self.continuation = continuation
        wait = (process, process.wait { [self] in end(throwing: CancellationError()) })
        // Never nothing: a loop that sleeps for no time would keep the clock from moving.
        timer = process.scheduler.after(max(duration.wholeMicroseconds, 1)) { [self] in end(throwing: nil) }
    }

    func cancel() {
        isCancelled = true
        end(throwing: CancellationError())
    }

    private func end(throwing error: (any Error)?) {
        guard let continuation else { return }
        self.continuation = nil
        timer?.action = nil
        if let wait { _ = wait.process.endWait(wait.number) }
        if let error { continuation.resume(throwing: error) } else { continuation.resume() }
    }
}
