namespace Facade.Tests

open System
open System.Threading

/// A clock that stands still until a test moves it; its timers go off when it passes them.
type FakeTime(start: DateTimeOffset) =
    inherit TimeProvider()

    let gate = obj ()
    let timers = ResizeArray<FakeTimer>()
    let mutable elapsed = TimeSpan.Zero
    let mutable wall = start

    member _.Elapsed = lock gate (fun () -> elapsed)

    /// Sets the wall clock, as an administrator or NTP does; time does not pass by it.
    member _.SetWall(at: DateTimeOffset) = lock gate (fun () -> wall <- at)

    member _.Add(timer: FakeTimer) = lock gate (fun () -> timers.Add timer)

    member _.Remove(timer: FakeTimer) =
        lock gate (fun () -> timers.Remove timer |> ignore)

    /// Moves to the end of a wait that is under way, passing over the limits of requests; false if nothing waits.
    member _.AdvanceToEndOfWait() =
        let next =
            lock gate (fun () ->
                let due = timers |> Seq.filter (fun timer -> not timer.IsLimit)

                if Seq.isEmpty due then
                    None
                else
                    let next = due |> Seq.minBy _.Due
                    let step = max TimeSpan.Zero (next.Due - elapsed)
                    elapsed <- elapsed + step
                    wall <- wall + step
                    timers.Remove next |> ignore
                    Some next)

        match next with
        | Some timer ->
            timer.Fire()
            true
        | None -> false

    /// Moves on by so much; timers on the way go off when their time has come.
    member _.Advance(span: TimeSpan) =
        let until = lock gate (fun () -> elapsed + span)

        let rec go () =
            let next =
                lock gate (fun () ->
                    let due = timers |> Seq.filter (fun timer -> timer.Due <= until)
                    let next = if Seq.isEmpty due then None else Some(due |> Seq.minBy _.Due)

                    let reached = next |> Option.map _.Due |> Option.defaultValue until |> max elapsed

                    wall <- wall + (reached - elapsed)
                    elapsed <- reached
                    next |> Option.iter (timers.Remove >> ignore)
                    next)

            match next with
            | Some timer ->
                timer.Fire()
                go ()
            | None -> ()

        go ()

    override _.GetUtcNow() = lock gate (fun () -> wall)
    override _.GetTimestamp() = lock gate (fun () -> elapsed.Ticks)
    override _.TimestampFrequency = TimeSpan.TicksPerSecond

    override this.CreateTimer(callback, state, dueTime, _period) =
        let timer = new FakeTimer(this, callback, state)
        timer.Start dueTime
        timer

and FakeTimer(time: FakeTime, callback: TimerCallback, state: objnull) =
    member val Due = TimeSpan.MaxValue with get, set

    member this.Start(dueTime: TimeSpan) =
        if dueTime <> Timeout.InfiniteTimeSpan then
            this.Due <- time.Elapsed + dueTime
            time.Add this

    /// Whether it is there to cancel something.
    member _.IsLimit = state :? CancellationTokenSource
    member _.Fire() = callback.Invoke state

    interface ITimer with
        member this.Change(dueTime, _period) =
            time.Remove this
            this.Start dueTime
            true

        member this.Dispose() = time.Remove this

        member this.DisposeAsync() =
            time.Remove this
            Threading.Tasks.ValueTask.CompletedTask
