using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3;

/// <summary>What a host knows of its cell, resolved once: when it starts, or when a sink is first asked for.</summary>
internal sealed class S3ExportStartup(
    Func<IReadOnlyDictionary<string, string?>?, S3ExportSpec> spec,
    string? cellId,
    Func<IReadOnlyDictionary<string, string?>?> environment,
    TimeProvider? timeProvider,
    ILoggerFactory? loggers,
    IPresignedUrlProvider? urlProvider
)
{
    /// <summary>The cell; null where the sinks of many cells are made.</summary>
    private readonly FSharpResult<CellId, Refusal>? _cell = cellId is null
        ? null
        : CellIdModule.Create(cellId);

    /// <summary>The variables, as they are at the start.</summary>
    private readonly Lazy<IReadOnlyDictionary<string, string?>> _variables = new(() =>
        environment() ?? EnvironmentSnapshot.OfProcess()
    );

    private S3ExportConfiguration? _configuration;
    private readonly Lock _gate = new();

    internal HttpMessageHandler CreateHandler() => Configuration.CreateHandler();

    internal S3ExportSinks CreateSinks(Func<HttpMessageInvoker> http) =>
        new(Configuration, Cell(), new SinkClients(http), timeProvider, loggers);

    internal ExportSinks CreateAllSinks(Func<HttpMessageInvoker> http) =>
        new(Configuration, Cell(), new SinkClients(http), timeProvider, loggers);

    /// <summary>Makes the sinks of any cell.</summary>
    /// <param name="cell">The id of the cell.</param>
    /// <param name="clients">The clients that its sinks share with others, for its configuration.</param>
    /// <exception cref="S3ExportConfigurationException">Spec or environment cannot be used for this cell.</exception>
    /// <exception cref="ArgumentException">The cell id is not valid.</exception>
    internal ExportSinks CreateFor(string cell, Func<S3ExportConfiguration, SinkClients> clients)
    {
        var id = CoreMapping.Accept(CellIdModule.Create(cell), nameof(cell));
        var configuration = Resolve(cell);
        // What is the same for every cell has been logged at the start.
        Log.Findings(loggers, configuration.Findings.Except(Configuration.Findings));
        return new ExportSinks(configuration, id, clients(configuration), timeProvider, loggers);
    }

    private S3ExportConfiguration Configuration
    {
        get
        {
            lock (_gate)
            {
                if (_configuration is null)
                {
                    // What is wrong with the cell's id is reported together with the rest.
                    _configuration = Resolve(_cell is { IsOk: true } ? cellId : null);
                    Log.Findings(loggers, _configuration.Findings);
                }

                return _configuration;
            }
        }
    }

    private CellId Cell() =>
        CoreMapping.Accept(_cell ?? throw CoreMapping.UnknownCell(nameof(cellId)), nameof(cellId));

    private S3ExportConfiguration Resolve(string? cell) =>
        S3ExportConfiguration.Resolve(
            spec(_variables.Value),
            cell,
            _variables.Value,
            timeProvider,
            urlProvider
        );

    /// <summary>Stands for the configuration among the options that a host validates at its start.</summary>
    internal sealed class Check;

    /// <summary>Tells a host all that is wrong.</summary>
    internal sealed class Validation(S3ExportStartup startup, IHttpClientFactory clients)
        : IValidateOptions<Check>
    {
        public ValidateOptionsResult Validate(string? name, Check options)
        {
            var problems = Problems().ToList();
            if (startup._cell is { IsError: true })
                problems.Insert(0, startup._cell.Value.ErrorValue.Message);
            if (problems.Count == 0 && ClientProblem() is { } problem)
                problems.Add(problem);
            return problems.Count == 0
                ? ValidateOptionsResult.Success
                : throw new RefusedStartException(Options.DefaultName, typeof(Check), problems);
        }

        private IEnumerable<string> Problems()
        {
            try
            {
                return startup.Configuration.Refusals.Select(refusal => refusal.ToString());
            }
            // The environment decides where artifacts without a target go.
            catch (S3ExportConfigurationException refused)
            {
                return refused.Problems.Select(problem => problem.ToString());
            }
        }

        /// <summary>What a host's configuration of the client would do to every export; null if nothing.</summary>
        private string? ClientProblem()
        {
            const string name = S3ExportServiceCollectionExtensions.HttpClientName;
            using var client = clients.CreateClient(name);
            return Settings
                .Usable(startup.Configuration.Core)
                .Select(settings => ForeignClient.Problem(client, settings.Limits.RequestTimeout))
                .OfType<string>()
                .Select(problem => $"HttpClient '{name}': {problem}")
                .FirstOrDefault();
        }
    }
}
