module CellOS.Export.S3.Core.Tests.PushStories

open Expecto
open CellOS.Export.S3.Core
open CellOS.Export.S3.Core.Tests.Config
open CellOS.Export.S3.Core.Tests.UrlGenerators
open CellOS.Export.S3.Core.Tests.PushGenerators
open CellOS.Export.S3.Core.Tests.Driver
open CellOS.Export.S3.Core.Tests.Stories

[<Tests>]
let tests =
    testList "Push" [
        story "stored at once" (given same) [ started; attempted 9 stored ] [ "put 1"; "done etag-md5" ] []

        story "503, then 200" (given same) [ started; attempted 10 busy; woke 510; attempted 600 stored ] [
            "put 1"
            "wait 510"
            "put 2"
            "done etag-md5"
        ] []

        story
            "503 in all attempts"
            (given same)
            [
                started
                attempted 0 busy
                woke 500
                attempted 500 busy
                woke 1000
                attempted 1000 busy
            ] [ "put 1"; "wait 500"; "put 2"; "wait 1000"; "put 3"; "Unavailable" ] [
                "HTTP 503"
                "3 attempts in 1 s"
                "raise MaxAttempts and RetryBackoff"
            ]

        story "expired before the start" (plan (Some(v4 60)) same) [ Input.Started(at 960001, 3L) ] [
            "UrlExpired"
        ] [
            "expired at 2026-03-01 12:01:00Z"
            "it is 2026-03-01 12:16:00Z now"
            "No attempt was made"
            "for a new URL"
        ]

        story
            "expired by less than the skew is tried"
            (plan (Some(v4 60)) same)
            [ Input.Started(at 960000, 3L) ] [ "put 1" ] []

        story
            "a wait that would end past expiry is not begun"
            (plan (Some(v4 60)) (retrying 3 1000000 1))
            [ started; attempted 5 busy ] [ "put 1"; "UrlExpired" ] [
                "expires at 2026-03-01 12:01:00Z, before the next attempt could begin"
                "HTTP 503"
            ]

        story
            "S3 says that the URL has expired"
            (given same)
            [ started; attempted 5 (error 403 "AccessDenied" "Request has expired") ] [
                "put 1"
                "UrlExpired"
            ] [
                "the server reports"
                "HTTP 403 AccessDenied (\"Request has expired\")"
                "request id REQ1"
            ]

        story
            "Retry-After above the cap is followed up to the cap"
            (given (retrying 3 500 2000))
            [ started; attempted 0 (told "3600"); woke 2000 ] [ "put 1"; "wait 2000"; "put 2" ] []

        story
            "Retry-After lengthens a wait, in milliseconds too"
            (given same)
            [
                started
                attempted 0 { busy with AmzRetryAfter = Some "700" }
                woke 700
                attempted 700 { busy with AmzRetryAfter = Some "3" }
            ] [ "put 1"; "wait 700"; "put 2"; "wait 1200" ] []

        story
            "Retry-After beyond the deadline ends the push at once"
            (given (within 5000))
            [ started; attempted 0 (told "6") ] [ "put 1"; "DeadlineExceeded" ] [
                "deadline of 5 s"
                "HTTP 503"
                "Raise Deadline"
            ]

        story
            "no backoff means no wait"
            (given (retrying 2 0 0))
            [ started; attempted 0 busy; attempted 0 busy ] [ "put 1"; "put 2"; "Unavailable" ] []

        story
            "the deadline cuts an attempt's time"
            (given (within 5000))
            [ started; faulted 5000 FaultKind.RequestTimeout false ] [ "put 1"; "DeadlineExceeded" ] [
                "deadline of 5 s"
                "may be stored"
            ]

        story
            "a deadline that the last attempt used up"
            (given (within 5000))
            [ started; faulted 5000 FaultKind.ConnectionReset true ] [ "put 1"; "DeadlineExceeded" ] [
                "the line broke"
            ]

        story
            "a deadline that cuts the last attempt that there is"
            (given (fun target -> {
                (within 5000 target) with
                    Retry = policy RetryMode.Fixed 1 0 0
            }))
            [ started; faulted 5000 FaultKind.RequestTimeout true ] [ "put 1"; "DeadlineExceeded" ] []

        story
            "a delegate is asked, and asked again after an expiry"
            (asked same)
            [
                started
                Input.UrlGiven(at 1, parsed (v4 60))
                attempted 2 (error 403 "ExpiredToken" "no")
                Input.UrlGiven(at 3, parsed (v4 3600))
                attempted 4 stored
            ] [ "ask 1"; "put 1"; "ask 2"; "put 2"; "done etag-md5" ] []

        story
            "a delegate that has no other URL than the one that had expired"
            (asked same)
            [
                started
                Input.UrlGiven(at 1, parsed (v4 60))
                attempted 2 (error 403 "ExpiredToken" "no")
                Input.UrlGiven(at 3, parsed (v4 60))
            ] [ "ask 1"; "put 1"; "ask 2"; "UrlExpired" ] [ "1 attempt"; "ExpiredToken" ]

        story
            "a delegate's URL that still serves is used again"
            (asked same)
            [ started; Input.UrlGiven(at 0, parsed (v4 60)); attempted 0 busy; woke 500 ] [
                "ask 1"
                "put 1"
                "wait 500"
                "put 2"
            ] []

        story
            "a delegate's URL that expired while waiting is asked for anew"
            (asked (retrying 3 2000000 1))
            [
                started
                Input.UrlGiven(at 0, parsed (v4 60))
                attempted 0 busy
                woke 2000000
            ] [ "ask 1"; "put 1"; "wait 2000000"; "ask 2" ] []

        story
            "a delegate that answers in time, woken early"
            (asked (within 5000))
            [ started; woke 4999; Input.UrlGiven(at 4999, parsed (v4 60)) ] [ "ask 1"; "ask 1"; "put 1" ] []

        story "a delegate that is too slow for the deadline" (asked (within 5000)) [ started; woke 5000 ] [
            "ask 1"
            "DeadlineExceeded"
        ] [ "deadline of 5 s"; "No attempt was made" ]

        story
            "no delegate is asked past the deadline"
            (asked (within 5000))
            [
                started
                Input.UrlGiven(at 1, parsed (v4 60))
                attempted 5000 (error 403 "ExpiredToken" "no")
            ] [ "ask 1"; "put 1"; "DeadlineExceeded" ] [ "ExpiredToken" ]

        story "a delegate has no URL" (asked same) [ started; Input.NoUrl(at 1, "the broker is away") ] [
            "ask 1"
            "UrlUnusable"
        ] [ "the broker is away" ]

        story
            "no fresh URL for an attempt that is not left"
            (asked (retrying 1 0 0))
            [
                started
                Input.UrlGiven(at 0, parsed (v4 60))
                attempted 0 (error 403 "ExpiredToken" "no")
            ] [ "ask 1"; "put 1"; "UrlExpired" ] []

        story
            "a signed header that nobody supplies"
            (plan (Some((v4 60).Replace("=host", "=content-md5;host;x-amz-security-token;x-amz-acl"))) same)
            [ started ] [ "UrlUnusable" ] [ "'x-amz-security-token'"; "'x-amz-acl'"; "Nothing was sent." ]

        story
            "a wait that would end at the deadline is not begun"
            (given (within 500))
            [ started; attempted 0 busy ] [ "put 1"; "DeadlineExceeded" ] []

        story
            "a wait that would end just before the deadline is"
            (given (within 501))
            [ started; attempted 0 busy ] [ "put 1"; "wait 500" ] []
    ]
