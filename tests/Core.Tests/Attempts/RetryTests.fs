module CellOS.Export.S3.Core.Tests.RetryTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.TextGenerators
open CellOS.Export.S3.Core.Tests.UrlGenerators

let private ms (value: float) = TimeSpan.FromMilliseconds value

let private policy mode attempts backoff cap =
    match RetryPolicy.create mode attempts (ms backoff) (ms cap) with
    | Ok policy -> policy
    | Error refusals -> failtestf "%A" refusals

let private justUnder1 = Math.BitDecrement 1.

/// `Retry-After` of the given text at noon, up to an hour.
let private askedFor retryAfter amz =
    (Retry.asked (TimeSpan.FromHours 1.) noon retryAfter amz).TotalMilliseconds

[<Tests>]
let policies =
    testList "RetryPolicy" [
        table
            "what is a policy, and how many things are wrong with it"
            [
                (1, 0., 0.), 0
                (3, 500., 20000.), 0
                (Int32.MaxValue, 4294967294., 4294967294.), 0
                (0, 0., 0.), 1
                (-1, 0., 0.), 1
                (1, -1., 0.), 1
                (1, 0., -1.), 1
                (1, 4294967295., 0.), 1
                (1, 0., 4294967295.), 1
                (0, -1., 4294967295.), 3
            ]
            (fun ((attempts, backoff, cap), _) ->
                match RetryPolicy.create RetryMode.Fixed attempts (ms backoff) (ms cap) with
                | Ok _ -> 0
                | Error refusals -> refusals.Length)
            snd

        testCase "the defaults are three attempts, half a second apart" (fun () ->
            let policy = RetryPolicy.defaults
            Expect.equal (policy.MaxAttempts, policy.Mode) (3, RetryMode.Fixed) "three, fixed"
            Expect.equal (policy.Backoff, policy.MaxBackoff) (ms 500., ms 20000.) "500 ms, 20 s"
            Expect.equal (string policy) "3 attempts, Fixed, 500 ms, at most 20000 ms" "it shows as such")
    ]

[<Tests>]
let delays =
    testList "Retry" [
        table
            "the exponential schedule, at the ends and the middle of the dice"
            [
                for attempt, ceiling in
                    [
                        1, 100.
                        2, 200.
                        3, 400.
                        4, 800.
                        5, 1000.
                        6, 1000.
                        64, 1000.
                        1000000, 1000.
                    ] do
                    (attempt, 0.), 0.
                    (attempt, 0.5), ceiling / 2.
                    (attempt, justUnder1), ceiling
                (0, 0.5), 50.
                (-7, 0.5), 50.
                (1, nan), 0.
                (1, -1.), 0.
                (1, 1.), 100.
                (1, infinity), 100.
            ]
            (fun ((attempt, roll), _) ->
                Math.Round(
                    (Retry.delay (policy RetryMode.Exponential 9 100. 1000.) attempt roll).TotalMilliseconds,
                    3
                ))
            snd

        propertyTimes
            500
            "a wait is between nothing and the doubled backoff, or the cap"
            (Gen.zip3
                (Gen.choose (0, 100))
                (Gen.choose (0, 1000000))
                (Gen.zip (Gen.choose (0, 100000)) (Gen.choose (0, 100000))))
            (fun (attempt, roll, (backoff, cap)) ->
                let policy = policy RetryMode.Exponential 9 (float backoff) (float cap)
                let wait = (Retry.delay policy attempt (float roll / 1000000.)).TotalMilliseconds

                let ceiling =
                    min (float cap) (float backoff * Math.Pow(2., float (max 0 (attempt - 1))))

                Expect.isTrue (wait >= 0. && wait <= ceiling) $"0 to {ceiling}, was {wait}")

        property
            "a fixed wait is the backoff, whatever the dice and the attempt"
            (Gen.zip (Gen.choose (0, 100)) (Gen.choose (0, 99)))
            (fun (attempt, roll) ->
                Expect.equal
                    (Retry.delay (policy RetryMode.Fixed 9 700. 10.) attempt (float roll / 100.))
                    (ms 700.)
                    "700 ms")

        table
            "a server lengthens a wait, and never shortens it"
            [ 0., 500.; 499., 500.; 501., 501.; 9000., 9000. ]
            (fun (asked, _) ->
                (Retry.wait (policy RetryMode.Fixed 3 500. 1.) 1 0.5 (ms asked)).TotalMilliseconds)
            snd

        table
            "how long a server asks to wait"
            [
                (None, None), 0.
                (Some "0", None), 0.
                (Some "1", None), 1000.
                (Some " 7 ", None), 7000.
                (Some "3600", None), 3600000.
                (Some "3601", None), 3600000.
                (Some "99999999999999999999999999", None), 3600000.
                (Some "9223372036854775807", None), 3600000.
                (Some "-1", None), 0.
                (Some "+1", None), 0.
                (Some "1.5", None), 0.
                (Some "1 s", None), 0.
                (Some "٣", None), 0.
                (Some "", None), 0.
                (Some "soon", None), 0.
                // The three forms of a date (RFC 9110, 5.6.7); noon is 2026-03-01, a Sunday.
                (Some "Sun, 01 Mar 2026 12:00:05 GMT", None), 5000.
                (Some "Sunday, 01-Mar-26 12:00:05 GMT", None), 5000.
                (Some "Sun Mar  1 12:00:05 2026", None), 5000.
                (Some "Sun, 01 Mar 2026 11:59:59 GMT", None), 0.
                (Some "Sunday, 06-Nov-94 08:49:37 GMT", None), 0.
                (Some "Sun Nov  6 08:49:37 1994", None), 0.
                (Some "Sun, 01 Mar 2026 12:00:05 CET", None), 0.
                (Some "Sun, 32 Mar 2026 12:00:05 GMT", None), 0.
                (Some "Fri, 31 Dec 9999 23:59:59 GMT", None), 3600000.
                (None, Some "250"), 250.
                (None, Some "junk"), 0.
                (None, Some "99999999999999999999999999"), 3600000.
                (Some "1", Some "250"), 1000.
                (Some "1", Some "1250"), 1250.
                (Some "junk", Some "250"), 250.
                (Some "Sun, 01 Mar 2026 11:00:00 GMT", Some "250"), 250.
            ]
            (fun ((retryAfter, amz), _) -> askedFor retryAfter amz)
            snd

        propertyTimes
            500
            "asked is total, never negative, never above the cap"
            (Gen.zip3 anyText anyText (Gen.choose (0, 100000)))
            (fun (retryAfter, amz, cap) ->
                for now in [ noon; DateTimeOffset.MinValue; DateTimeOffset.MaxValue ] do
                    let asked = Retry.asked (ms (float cap)) now (Some retryAfter) (Some amz)
                    Expect.isTrue (asked >= TimeSpan.Zero && asked <= ms (float cap)) "0 to the cap")

        property "every second and every date is read" (Gen.choose (-4000, 4000)) (fun seconds ->
            let at = noon.AddSeconds(float seconds)
            let expected = 1000. * float (max 0 seconds) |> min 3600000.

            for format in
                [
                    "ddd, dd MMM yyyy HH:mm:ss 'GMT'"
                    "dddd, dd-MMM-yy HH:mm:ss 'GMT'"
                    "ddd MMM d HH:mm:ss yyyy"
                ] do
                let text = at.ToString(format, Globalization.CultureInfo.InvariantCulture)
                Expect.equal (askedFor (Some text) None) expected text)
    ]
