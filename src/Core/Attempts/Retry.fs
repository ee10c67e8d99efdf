namespace CellOS.Export.S3.Core

open System
open System.Globalization
open FsToolkit.ErrorHandling

/// How the wait between two attempts grows.
[<RequireQualifiedAccess>]
type RetryMode =
    /// The same wait each time.
    | Fixed
    /// Doubling from the backoff up to the cap, with full jitter: a wait between nothing and that.
    | Exponential

/// When to try again. Its values are in range: see `RetryPolicy.create`.
type RetryPolicy = private {
    attempts: int
    backoff: TimeSpan
    mode: RetryMode
    cap: TimeSpan
} with

    /// All tries, the first included; 1 or more.
    member this.MaxAttempts = this.attempts
    /// The wait between attempts, or what the exponential schedule doubles.
    member this.Backoff = this.backoff
    member this.Mode = this.mode
    /// The longest wait of the exponential schedule, and the longest that `Retry-After` is followed.
    member this.MaxBackoff = this.cap

    override this.ToString() =
        Check.invariant
            $"{this.attempts} attempts, {this.mode}, {this.backoff.TotalMilliseconds} ms, at most {this.cap.TotalMilliseconds} ms"

/// Makes schedules, and checks them.
[<RequireQualifiedAccess>]
module RetryPolicy =
    /// The longest wait that can be asked for: what a .NET timer takes, 4,294,967,294 ms (about 49 days).
    let MaxWait = TimeSpan.FromMilliseconds 4294967294.

    /// 3 attempts, 500 ms apart; `Retry-After` up to 20 s.
    [<CompiledName("Defaults")>]
    let defaults = {
        attempts = 3
        backoff = TimeSpan.FromMilliseconds 500.
        mode = RetryMode.Fixed
        cap = TimeSpan.FromSeconds 20.
    }

    let private enough (attempts: int) =
        if attempts >= 1 then
            Ok()
        else
            Check.refuse
                "number of attempts"
                $"is {attempts}"
                "It counts all tries, the first included: give 1 or more."

    let private inRange subject (value: TimeSpan) =
        // By their ticks: F# compares values of foreign types by way of an interface.
        if value.Ticks < 0L then
            Check.refuse
                subject
                (Check.invariant $"is negative ({value.TotalMilliseconds} ms)")
                "Give 0 for none, or a positive time."
        elif value.Ticks > MaxWait.Ticks then
            Check.refuse
                subject
                (Check.invariant $"is {value.TotalMilliseconds} ms")
                (Check.invariant $"Give at most {MaxWait.TotalMilliseconds} ms.")
        else
            Ok()

    /// At least one attempt, and no negative wait; all that is wrong is reported at once.
    [<CompiledName("Create")>]
    let create (mode: RetryMode) (maxAttempts: int) (backoff: TimeSpan) (maxBackoff: TimeSpan) =
        validation {
            let! () = enough maxAttempts
            and! () = inRange "retry backoff" backoff
            and! () = inRange "longest backoff" maxBackoff

            return {
                attempts = maxAttempts
                backoff = backoff
                mode = mode
                cap = maxBackoff
            }
        }

/// Rules that this module keeps:
/// - chance comes in as data: a roll of 0 or more and less than 1;
/// - a wait is never negative and never longer than its policy allows;
/// - a server can lengthen a wait, never shorten it.
[<RequireQualifiedAccess>]
module Retry =

    let private asRoll (roll: float) =
        if Double.IsNaN roll then 0.
        elif roll < 0. then 0.
        elif roll >= 1. then Math.BitDecrement 1.
        else roll

    /// The wait after the given failed attempt (1 for the first) with the given roll.
    [<CompiledName("Delay")>]
    let delay (policy: RetryPolicy) (attempt: int) (roll: float) : TimeSpan =
        match policy.Mode with
        | RetryMode.Fixed -> policy.Backoff
        | RetryMode.Exponential ->
            let doublings = min 62 (max 0 (attempt - 1))

            let ceiling =
                min
                    policy.MaxBackoff.TotalMilliseconds
                    (policy.Backoff.TotalMilliseconds * Math.Pow(2., doublings))

            TimeSpan.FromMilliseconds(asRoll roll * ceiling)

    let private wholeNumber (value: string) =
        let value = value.Trim()

        if value <> "" && value |> Seq.forall Char.IsAsciiDigit then
            match Int64.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture) with
            | true, number -> Some number
            | _ -> Some Int64.MaxValue
        else
            None

    /// The three forms of an HTTP date (RFC 9110, 5.6.7).
    let internal httpDate (value: string) =
        let formats = [|
            "ddd, dd MMM yyyy HH:mm:ss 'GMT'"
            "dddd, dd-MMM-yy HH:mm:ss 'GMT'"
            "ddd MMM d HH:mm:ss yyyy"
        |]

        match
            DateTimeOffset.TryParseExact(
                value.Trim(),
                formats,
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal ||| DateTimeStyles.AllowInnerWhite
            )
        with
        | true, at -> Some at
        | _ -> None

    let private upTo (cap: TimeSpan) (milliseconds: float) =
        TimeSpan.FromMilliseconds(min milliseconds cap.TotalMilliseconds)

    /// How long a server asks to wait: `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), or
    /// `x-amz-retry-after` in milliseconds; the longer of both, at most `cap`. A date in the past means no
    /// wait; what cannot be read is not there.
    [<CompiledName("Asked")>]
    let asked
        (cap: TimeSpan)
        (now: DateTimeOffset)
        (retryAfter: string option)
        (amzRetryAfter: string option)
        =
        let ofRetryAfter =
            retryAfter
            |> Option.bind (fun value ->
                match wholeNumber value with
                | Some seconds -> Some(float seconds * 1000.)
                | None -> httpDate value |> Option.map (fun at -> max 0. (at - now).TotalMilliseconds))

        let ofAmz = amzRetryAfter |> Option.bind wholeNumber |> Option.map float

        match ofRetryAfter, ofAmz with
        | None, None -> TimeSpan.Zero
        | Some ms, None
        | None, Some ms -> upTo cap ms
        | Some a, Some b -> upTo cap (max a b)

    /// The wait before the next attempt: the policy's own, lengthened by what the server asked for.
    [<CompiledName("Wait")>]
    let wait (policy: RetryPolicy) (attempt: int) (roll: float) (askedFor: TimeSpan) =
        Instant.longer (delay policy attempt roll) askedFor
