// SPDX-License-Identifier: Apache-2.0
#include "plugin/placed_error.hpp"

#include <dime/error.hpp>

#include "plugin/plugin_index.hpp"

namespace dime {
namespace {

template <class E>
class PlacedError final : public E, public Placed {
 public:
  using E::E;
};

std::string place_of(const Component& component) { return component.mark.origin ? component.mark.text() + ": " : ""; }

std::string placed(const std::string& kind, const Component& component, const std::string& message) {
  const std::string name = plugin_label(kind, component.type) + " ";
  const auto& origin = component.mark.origin;
  if (origin && message.starts_with(origin->name + ":")) return message;  // from a schema: each line has its own place
  if (message.find(": " + name) != std::string::npos) return message;     // an option's, perhaps of the command line
  return place_of(component) + (message.starts_with(name) ? "" : name) + message;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

void rethrow_placed(const std::string& kind, const Component& component) {
  const auto text = [&](const std::exception& e) { return placed(kind, component, e.what()); };
  try {
    throw;
  } catch (const Placed&) {
    throw;
  } catch (const ConfigError& e) {
    throw PlacedError<ConfigError>(text(e));
  } catch (const PluginError& e) {
    throw PlacedError<PluginError>(text(e));
  } catch (const RowError& e) {
    throw PlacedError<RowError>(text(e));
  } catch (const DataError& e) {
    throw PlacedError<DataError>(text(e));
  } catch (const WeightsError& e) {
    throw PlacedError<WeightsError>(text(e));
  } catch (const IoError& e) {
    throw PlacedError<IoError>(text(e));
  } catch (const TrainError& e) {
    throw PlacedError<TrainError>(text(e));
  } catch (const ArgumentError& e) {
    throw PlacedError<ArgumentError>(text(e));
  } catch (const Error& e) {
    throw PlacedError<Error>(text(e));
  } catch (const std::exception& e) {
    throw PlacedError<PluginError>(placed(kind, component, "could not be made: " + first_line(e.what())));
  } catch (...) {
    throw PlacedError<PluginError>(
        placed(kind, component, "could not be made: it threw something that is no std::exception"));
  }
}

}  // namespace dime
