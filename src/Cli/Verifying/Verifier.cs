using CellOS.Export.S3.Cli.Arguments;
using CellOS.Export.S3.Cli.Progress;
using CellOS.Export.S3.Cli.Verifying.Page;
using CellOS.Export.S3.Core;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Cli.Verifying;

/// <summary><c>verify</c>: reads everything that was given twice, in the order that the core asks for.</summary>
internal sealed class Verifier
{
    /// <summary>The time that a verification which is interrupted may take to end.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly VerifyArguments _arguments;
    private readonly IVerifyReport _report;
    private readonly VerificationLedger _ledger;
    private readonly SealKeys _keys;
    private readonly IReadOnlyList<string> _keyIds;
    private readonly IReadOnlyList<ProofFile> _receipts;
    private readonly IReadOnlyList<ProofFile> _seals;
    private readonly IReadOnlyList<ProofFile> _envelopes;
    private readonly CancellationToken _cancellation;

    private Verifier(
        VerifyArguments arguments,
        PublicKeys keys,
        IVerifyReport report,
        CancellationToken cancellation
    )
    {
        _arguments = arguments;
        _keys = keys.Keys;
        _keyIds = keys.Ids;
        _report = report;
        _cancellation = cancellation;
        _ledger = VerificationLedgerModule.Start(arguments.Scope, arguments.Heads);
        _receipts = ProofFile.All(arguments.Receipts, ReceiptLines.Role, cancellation);
        _seals = ProofFile.All(arguments.Seals, SealLines.Role, cancellation);
        _envelopes = ProofFile.All(arguments.Envelopes, SealLines.EnvelopeRole, cancellation);
    }

    /// <summary>Writes the report, and on standard error what is left out.</summary>
    /// <param name="arguments">What was asked for.</param>
    /// <param name="output">Takes the report.</param>
    /// <param name="error">Takes notes.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The exit code.</returns>
    /// <exception cref="RefusedException">An input cannot be read at all.</exception>
    /// <exception cref="OperationCanceledException">It was interrupted.</exception>
    internal static async Task<int> RunAsync(
        VerifyArguments arguments,
        TextWriter output,
        TextWriter error,
        CancellationToken cancellation
    )
    {
        OpenSsl.Require();
        using var keys = PublicKeys.Open(arguments.Keys);
        using var page = arguments.Html is { } path ? PageFile.Open(path, arguments) : null;
        IVerifyReport report = arguments.Json ? new JsonReport(output) : new TextReport(output);
        if (page is not null)
            report = new SeveralReports([report, new PageReport(page)]);
        // A thread of its own: reading a file may hang, and the token ends the waiting.
        var work = Task.Run(
            () =>
                new Verifier(arguments, keys, report, cancellation).RunAsync(note =>
                    error.WriteLine($"{Tool.Name}: {Shown.Sentence(note)}")
                ),
            cancellation
        );
        try
        {
            return await work.WaitAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The bars leave the terminal as it was.
            await Task.WhenAny(work, Task.Delay(Patience, CancellationToken.None));
            throw;
        }
    }

    private async Task<int> RunAsync(Action<string> note)
    {
        var folder = _arguments.Bundle is { } path ? EvidenceFolder.List(path, _arguments.Files) : null;
        foreach (var sentence in folder?.Notes ?? [])
            note(sentence);
        foreach (var file in folder?.Files ?? [])
            VerificationLedgerModule.AddFile(_ledger, file.Name);
        var heads = TakeIn();
        foreach (var problem in folder?.Problems ?? [])
        {
            VerificationLedgerModule.MissInput(_ledger);
            _report.Unreadable(problem);
        }

        if (folder is not null)
            await CompareAsync(folder);
        Judge(folder);
        var result = VerificationJudge.Result(_ledger);
        _report.End(
            result,
            new VerifiedInputs(
                heads,
                [.. _receipts.Concat(_seals).Concat(_envelopes).Select(file => file.Verified)],
                _keyIds,
                _arguments.Bundle is { } bundle ? Shown.Short(200, bundle) : null,
                folder?.Files.Count ?? 0,
                folder?.Notes ?? []
            )
        );
        return result.HasFailed ? ExitCode.Failed
            : result.IsGood ? ExitCode.Done
            : ExitCode.Refused;
    }

    /// <summary>Takes in seals and receipts.</summary>
    /// <returns>The files of seals with their heads.</returns>
    private List<(string File, FSharpOption<SealHead>? Head)> TakeIn()
    {
        var heads = new List<(string, FSharpOption<SealHead>?)>();
        foreach (var file in _seals)
        {
            var head = SealLines.Read(
                file,
                _keys,
                (seal, after) =>
                {
                    VerificationLedgerModule.ReadSeal(_ledger, seal, CoreMapping.ToOption(after));
                    _report.Seal(file.Name, seal);
                }
            );
            heads.Add((file.Name, CoreMapping.ToOption(head)));
        }

        foreach (var file in _envelopes)
        {
            var envelope = SealLines.Envelope(file, _keys);
            VerificationLedgerModule.ReadEnvelope(_ledger, envelope);
            var status = envelope.IsOk ? SealStatus.Valid : SealStatus.NewForged(envelope.ErrorValue);
            _report.Seal(file.Name, new CheckedSeal(0, status, FSharpOption<SealStatement>.None));
        }

        foreach (var file in _receipts)
        {
            var (tail, lines) = ReceiptLines.Read(
                file,
                (number, line) =>
                {
                    if (VerificationLedgerModule.ReadLine(_ledger, line)?.Value is { } problem)
                        _report.Line(file.Name, number, problem);
                }
            );
            if (VerificationLedgerModule.ReadTail(_ledger, tail)?.Value is { } torn)
                _report.Line(file.Name, lines + 1, torn);
        }

        ReadSealed(receipt => VerificationLedgerModule.AddSealed(_ledger, receipt));
        VerificationLedgerModule.Close(_ledger);
        return heads;
    }

    /// <summary>Reads the receipts of valid seals once more, where the core asks for it.</summary>
    private void ReadSealed(Action<Receipt> take)
    {
        if (!VerificationLedgerModule.NeedsSealed(_ledger))
            return;
        foreach (var file in _seals)
            SealLines.Read(
                file,
                _keys,
                (seal, _) =>
                {
                    if (seal.Status.IsValid && seal.Statement?.Value is { } statement)
                        foreach (var receipt in statement.Receipts)
                            take(receipt);
                }
            );
        foreach (var file in _envelopes)
            if (SealLines.Envelope(file, _keys) is { IsOk: true } envelope)
                foreach (var receipt in envelope.ResultValue)
                    take(receipt);
    }

    /// <summary>Takes the digests of the evidence.</summary>
    private async Task CompareAsync(EvidenceFolder folder)
    {
        await using var bars = PushDisplay
            .Choose(Surroundings.Of(quiet: false, wantsJson: _arguments.Json))
            .OpenBars();
        foreach (var problem in folder.TakeDigests(_ledger, bars, _cancellation))
            _report.Unreadable(problem);
    }

    private void Judge(EvidenceFolder? folder)
    {
        foreach (var file in _receipts)
            ReceiptLines.Read(
                file,
                (_, line) =>
                {
                    if (line is LogLine.Receipt receipt)
                        Report(VerificationJudge.Judge(_ledger, receipt.Item));
                }
            );
        ReadSealed(receipt => Report(VerificationJudge.JudgeSealed(_ledger, receipt)));
        foreach (var file in folder?.Files ?? [])
            Report(VerificationJudge.JudgeFile(_ledger, file.Name));
    }

    private void Report(FSharpOption<ArtifactFinding>? finding)
    {
        if (finding?.Value is { } found)
            _report.Artifact(found);
    }
}
