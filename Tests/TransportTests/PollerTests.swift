import Foundation
import Testing
import Transport

@Suite struct PollerTests {
    private enum Item: Hashable { case router, dealer, wakeUp, pipe, outlet }

    @Test("only what is ready is reported, until it is dealt with")
    func sockets() throws {
        let context = try ZeroMQContext()
        let router = try RouterSocket(context: context)
        try router.bind(to: "tcp://127.0.0.1:*")
        let dealer = try DealerSocket(context: context)
        try dealer.connect(to: try router.lastEndpoint)
        var poller = Poller<Item>()
        poller.watch(router, as: .router, for: .read)
        poller.watch(dealer, as: .dealer, for: .read)
        #expect(poller.count == 2)
        #expect(try poller.wait(timeoutMilliseconds: 0).isEmpty)
        #expect(try dealer.send([1]) == .sent)
        for _ in 0..<2 {
            let ready = try poller.wait(timeoutMilliseconds: 10_000)
            #expect(ready.map(\.key) == [.router])
            #expect(ready.map(\.events) == [.read])
        }
        let (peer, _) = try #require(try router.receive())
        #expect(try router.send([2], to: peer) == .sent)
        #expect(try poller.wait(timeoutMilliseconds: 10_000).map(\.key) == [.dealer])
        #expect(try dealer.receive() == [2])
        #expect(try poller.wait(timeoutMilliseconds: 20).isEmpty)
        poller.watch(dealer, as: .dealer, for: [.read, .write])
        #expect(try poller.wait(timeoutMilliseconds: 1000).map(\.events) == [.write])
        poller.forget(.dealer)
        poller.forget(.dealer)
        #expect(poller.count == 1)
        #expect(try poller.wait(timeoutMilliseconds: 0).isEmpty)
    }

    @Test("a wake-up from another thread ends the wait, and many signals are one")
    func wakeUp() async throws {
        let wakeUp = try WakeUp()
        var poller = Poller<Item>()
        poller.watch(fileDescriptor: wakeUp.fileDescriptor, as: .wakeUp, for: .read)
        #expect(try poller.wait(timeoutMilliseconds: 0).isEmpty)
        #expect(!wakeUp.drain())
        let thread = Thread {
            usleep(50_000)
            for _ in 0..<100_000 { wakeUp.signal() }
        }
        let start = ContinuousClock.now
        thread.start()
        #expect(try poller.wait(timeoutMilliseconds: 10_000).map(\.key) == [.wakeUp])
        #expect(ContinuousClock.now - start < .seconds(5))
        #expect(try eventually { thread.isFinished ? true : nil } == true)
        #expect(wakeUp.drain())
        #expect(!wakeUp.drain())
        #expect(try poller.wait(timeoutMilliseconds: 0).isEmpty)
        wakeUp.signal()
        #expect(try poller.wait(timeoutMilliseconds: 0).map(\.events) == [.read])
    }

    @Test("a pipe is readable, then at its end, and its other end is writable until full")
    func pipes() throws {
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        var poller = Poller<Item>()
        poller.watch(fileDescriptor: ends[0], as: .pipe, for: .read)
        poller.watch(fileDescriptor: ends[1], as: .outlet, for: .write)
        #expect(try poller.wait(timeoutMilliseconds: 1000).map(\.key) == [.outlet])
        let bytes = [UInt8](repeating: 1, count: 4096)
        while write(ends[1], bytes, bytes.count) > 0 {}
        #expect(try poller.wait(timeoutMilliseconds: 1000).map(\.key) == [.pipe])
        poller.forget(.outlet)
        close(ends[1])
        var buffer = [UInt8](repeating: 0, count: 65536)
        var end = false
        while !end {
            let ready = try poller.wait(timeoutMilliseconds: 1000)
            #expect(ready.map(\.key) == [.pipe])
            #expect(ready.first?.events == [.read, .hangUp])
            end = read(ends[0], &buffer, buffer.count) == 0
        }
        close(ends[0])
    }

    @Test("sockets and descriptors are waited for together")
    func mixed() throws {
        let context = try ZeroMQContext()
        let router = try RouterSocket(context: context)
        try router.bind(to: "tcp://127.0.0.1:*")
        let dealer = try DealerSocket(context: context)
        try dealer.connect(to: try router.lastEndpoint)
        let wakeUp = try WakeUp()
        var poller = Poller<Item>()
        poller.watch(fileDescriptor: wakeUp.fileDescriptor, as: .wakeUp, for: .read)
        poller.watch(router, as: .router, for: .read)
        #expect(try dealer.send([1]) == .sent)
        #expect(try poller.wait(timeoutMilliseconds: 10_000).map(\.key) == [.router])
        wakeUp.signal()
        #expect(try poller.wait(timeoutMilliseconds: 10_000).map(\.key) == [.wakeUp, .router])
    }

    @Test("a signal ends the wait with nothing ready")
    func signals() throws {
        signal(SIGURG) { _ in }
        let finished = try WakeUp()
        let never = try WakeUp()
        // A thread of its own, since those of the test runner block signals.
        let waiter = Thread {
            var urgent = sigset_t()
            sigemptyset(&urgent)
            sigaddset(&urgent, SIGURG)
            pthread_sigmask(SIG_UNBLOCK, &urgent, nil)
            let target = ThreadHandle(pthread: pthread_self())
            Thread.detachNewThread {
                usleep(100_000)
                pthread_kill(target.pthread, SIGURG)
            }
            var poller = Poller<Item>()
            poller.watch(fileDescriptor: never.fileDescriptor, as: .wakeUp, for: .read)
            if let ready = try? poller.wait(timeoutMilliseconds: 10_000), ready.isEmpty { finished.signal() }
        }
        let start = ContinuousClock.now
        waiter.start()
        #expect(try eventually { finished.drain() ? true : nil } == true)
        #expect(ContinuousClock.now - start < .seconds(5))
    }

    @Test("a wait with nothing to wait for ends after its time")
    func empty() throws {
        var poller = Poller<Item>()
        let start = ContinuousClock.now
        #expect(try poller.wait(timeoutMilliseconds: 30).isEmpty)
        #expect(ContinuousClock.now - start >= .milliseconds(29))
    }

    @Test("a context that is shut down by another thread ends the wait")
    func shutdown() throws {
        let context = try ZeroMQContext()
        let router = try RouterSocket(context: context)
        var poller = Poller<Item>()
        poller.watch(router, as: .router, for: .read)
        let thread = Thread {
            usleep(50_000)
            context.shutdown()
        }
        thread.start()
        #expect(throws: TransportError.contextTerminated) { _ = try poller.wait(timeoutMilliseconds: 10_000) }
    }
}

private struct ThreadHandle: @unchecked Sendable {
    let pthread: pthread_t
}
