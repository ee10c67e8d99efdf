namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open FsToolkit.ErrorHandling

/// The limits in time of a push. Both timeouts bound every attempt; there is never an attempt without them.
type Limits = {
    /// For name resolution, TCP, proxy and TLS.
    ConnectTimeout: TimeSpan
    /// For one attempt as a whole.
    RequestTimeout: TimeSpan
    /// The longest time in which no byte moves: none of the body, none of the reply. It counts from when there
    /// is a connection.
    StallTimeout: TimeSpan option
    /// For all attempts together.
    Deadline: TimeSpan option
}

/// Limits in time, with their defaults.
[<RequireQualifiedAccess>]
module Limits =
    /// 10 s to connect, 30 s for an attempt, no stall timeout, no deadline.
    [<CompiledName("Defaults")>]
    let defaults = {
        ConnectTimeout = TimeSpan.FromMilliseconds(float Variable.DefaultConnectTimeoutMs)
        RequestTimeout = TimeSpan.FromMilliseconds(float Variable.DefaultRequestTimeoutMs)
        StallTimeout = None
        Deadline = None
    }

    /// 2,147,483,647 ms (24 days): what every timer of .NET takes.
    let private maxTime = TimeSpan.FromMilliseconds(float Int32.MaxValue)

    let private positive subject (value: TimeSpan) =
        if value <= TimeSpan.Zero then
            Check.refuse
                subject
                (Check.invariant $"is {value.TotalMilliseconds} ms")
                "Give a positive time: an upload is never made without limits."
        elif value > maxTime then
            Check.refuse
                subject
                (Check.invariant $"is {value.TotalMilliseconds} ms")
                (Check.invariant $"Give at most {maxTime.TotalMilliseconds} ms.")
        else
            Ok value

    let private positiveIfGiven subject value =
        match value with
        | None -> Ok None
        | Some value -> positive subject value |> Result.map Some

    /// Returns the time for one request as a whole, or why it is no limit.
    [<CompiledName("CheckRequestTimeout")>]
    let checkRequestTimeout (timeout: TimeSpan) : Result<TimeSpan, Refusal> =
        positive "request timeout" timeout

    /// The limits, if all are positive and none is longer than a timer takes; all that is wrong is reported at once.
    [<CompiledName("Check")>]
    let check (limits: Limits) =
        validation {
            let! connect = positive "connect timeout" limits.ConnectTimeout
            and! request = checkRequestTimeout limits.RequestTimeout
            and! stall = positiveIfGiven "stall timeout" limits.StallTimeout
            and! deadline = positiveIfGiven "deadline" limits.Deadline

            return {
                ConnectTimeout = connect
                RequestTimeout = request
                StallTimeout = stall
                Deadline = deadline
            }
        }
